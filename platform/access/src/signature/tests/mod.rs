mod documents;
mod properties;
mod refusals;
mod responses;
mod vectors;

use contracts::ids::DeviceId;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::{SentRequest, SignatureError, SignedRequest, VerifiedRequest, sign_request};
use crate::SigningKey;

const DEVICE: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
const OTHER_DEVICE: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b6";
const PATH: &str = "/api/QrCode/validate";
const BODY: &str = r#"{"code":"QR-20261122-7K3M9XQ2W8TBN4CJ"}"#;
const ANSWER: &str = r#"{"valid":true,"productName":"Lemon tea","dispenseDuration":12.5}"#;

fn device() -> DeviceId {
    DEVICE.parse().unwrap()
}

/// 32 bytes from 0 to 31.
fn key() -> SigningKey {
    SigningKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
}

/// Request 41 of the device.
fn signed() -> (SentRequest, Request<String>) {
    let mut request = Request::post(PATH).body(BODY.to_owned()).unwrap();
    let sent = sign_request(&mut request, &key(), device(), 41).unwrap();
    (sent, request)
}

/// What the shop makes of a request.
fn verify<Body: AsRef<[u8]>>(request: &Request<Body>) -> Result<VerifiedRequest, SignatureError> {
    SignedRequest::parse(request.method(), request.uri(), request.headers())?.verify(&key(), request.body().as_ref())
}

/// The shop's signed response.
fn answer(request: &VerifiedRequest, body: &str) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    request.sign_response(&key(), StatusCode::OK, body.as_bytes(), response.headers_mut()).unwrap();
    response
}

/// Replaces a part of a header.
fn edit(headers: &mut HeaderMap, name: &'static str, from: &str, to: &str) {
    let text = headers[name].to_str().unwrap();
    assert!(text.contains(from), "{text} has no {from}");
    let text = text.replace(from, to);
    headers.insert(name, HeaderValue::from_str(&text).unwrap());
}
