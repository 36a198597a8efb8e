//! Whatever is signed is accepted, and whatever is changed by a bit is not.

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{ANSWER, answer, device, signed, verify};
use crate::{
    SigningKey,
    signature::{SEQUENCE_MAX, SignatureError, SignedRequest, sign_request},
};

fn key(bytes: [u8; 32]) -> SigningKey {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    SigningKey::parse(&URL_SAFE_NO_PAD.encode(bytes)).unwrap()
}

/// A part of a message in which a bit can be flipped.
#[derive(Clone, Copy, Debug)]
enum Part {
    Start,
    Body,
    Header,
}

fn parts() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Start), Just(Part::Body), Just(Part::Header)]
}

fn flip(bytes: &[u8], at: Index) -> Vec<u8> {
    let bit = at.index(bytes.len() * 8);
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// Flips a bit in the value of a header. `None`: the result cannot be sent.
fn flip_header(headers: &mut http::HeaderMap, which: Index, at: Index) -> Option<()> {
    let mut names: Vec<HeaderName> = headers.keys().cloned().collect();
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    let name = which.get(&names);
    let value = HeaderValue::from_bytes(&flip(headers[name].as_bytes(), at)).ok()?;
    headers.insert(name, value);
    Some(())
}

proptest! {
    #[test]
    fn what_is_signed_is_verified_and_so_is_its_response(
        secret: [u8; 32],
        sequence in 1..=SEQUENCE_MAX,
        method in prop_oneof![Just(Method::GET), Just(Method::POST), Just(Method::DELETE)],
        path in "/[a-zA-Z0-9/._~%-]{0,80}",
        body in vec(any::<u8>(), 0..300),
        answer in vec(any::<u8>(), 0..300),
        status in 200_u16..600,
    ) {
        let key = key(secret);
        let mut request = Request::builder().method(method).uri(path).body(body).unwrap();
        let sent = sign_request(&mut request, &key, device(), sequence).unwrap();
        let read = SignedRequest::parse(request.method(), request.uri(), request.headers()).unwrap();
        let verified = read.verify(&key, request.body()).unwrap();
        prop_assert_eq!((verified.device_id(), verified.sequence()), (device(), sequence));

        let mut response = Response::builder().status(status).body(answer).unwrap();
        let mut headers = http::HeaderMap::new();
        verified.sign_response(&key, response.status(), response.body(), &mut headers).unwrap();
        *response.headers_mut() = headers;
        prop_assert!(sent.verify_response(&key, &response).is_ok());
    }

    #[test]
    fn a_request_with_a_flipped_bit_is_refused(part in parts(), which: Index, at: Index) {
        let (_, mut request) = signed();
        match part {
            Part::Start => {
                let Ok(uri) = Uri::try_from(flip(request.uri().path().as_bytes(), at)) else { return Ok(()) };
                *request.uri_mut() = uri;
            }
            Part::Body => {
                let body = flip(request.body().as_bytes(), at);
                prop_assert!(verify(&request.clone().map(|_| body)).is_err());
                return Ok(());
            }
            Part::Header => {
                let Some(()) = flip_header(request.headers_mut(), which, at) else { return Ok(()) };
            }
        }
        prop_assert!(verify(&request).is_err(), "{request:?}");
    }

    #[test]
    fn a_response_with_a_flipped_bit_is_refused(part in parts(), which: Index, at: Index) {
        let (sent, request) = signed();
        let mut response = answer(&verify(&request).unwrap(), ANSWER).map(String::into_bytes);
        match part {
            Part::Start => {
                let status = 200 ^ (1 << at.index(8));
                let Ok(status) = StatusCode::from_u16(status) else { return Ok(()) };
                *response.status_mut() = status;
            }
            Part::Body => *response.body_mut() = flip(response.body(), at),
            Part::Header => {
                let Some(()) = flip_header(response.headers_mut(), which, at) else { return Ok(()) };
            }
        }
        prop_assert!(sent.verify_response(&super::key(), &response).is_err(), "{response:?}");
    }

    #[test]
    fn no_header_makes_the_parser_fail_otherwise_than_with_an_error(input in "[ -~]{0,200}", signature in "[ -~]{0,80}") {
        let (_, mut request) = signed();
        request.headers_mut().insert("signature-input", input.parse().unwrap());
        request.headers_mut().insert("signature", signature.parse().unwrap());
        let result: Result<_, SignatureError> = verify(&request);
        prop_assert!(result.is_err());
    }
}
