//! A response belongs to one request.

use http::{HeaderValue, Request, Response, StatusCode};

use super::{ANSWER, BODY, PATH, answer, device, edit, key, signed, verify};
use crate::{
    SigningKey,
    signature::{CONTENT_DIGEST, LABEL, SIGNATURE, SIGNATURE_INPUT, SignatureError, sign_request},
};

#[test]
fn the_machine_accepts_the_response_to_its_request() {
    let (sent, request) = signed();
    let response = answer(&verify(&request).unwrap(), ANSWER);
    sent.verify_response(&key(), &response).unwrap();
}

#[test]
fn a_response_to_another_request_of_the_machine_is_refused() {
    let (sent, _) = signed();
    let mut earlier = Request::post(PATH).body(BODY.to_owned()).unwrap();
    sign_request(&mut earlier, &key(), device(), 40).unwrap();
    let response = answer(&verify(&earlier).unwrap(), ANSWER);
    let error = sent.verify_response(&key(), &response).unwrap_err();
    assert!(matches!(error, SignatureError::WrongSignature { .. }), "{error:?}");
}

#[test]
fn a_response_with_another_status_body_or_key_is_refused() {
    let (sent, request) = signed();
    let response = answer(&verify(&request).unwrap(), ANSWER);
    let refused = |change: fn(&mut Response<String>)| {
        let mut response = response.clone();
        change(&mut response);
        sent.verify_response(&key(), &response).unwrap_err()
    };
    let status = refused(|response| *response.status_mut() = StatusCode::CREATED);
    assert!(matches!(status, SignatureError::WrongSignature { .. }), "{status:?}");
    let body = refused(|response| *response.body_mut() = ANSWER.replace("12.5", "92.5"));
    assert!(matches!(body, SignatureError::DigestMismatch { .. }), "{body:?}");
    let covered = refused(|response| edit(response.headers_mut(), SIGNATURE_INPUT, r#" "fnb-sequence";req"#, ""));
    assert!(matches!(covered, SignatureError::WrongResponseInput { .. }), "{covered:?}");
    for name in [CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE] {
        let mut response = response.clone();
        response.headers_mut().remove(name);
        let error = sent.verify_response(&key(), &response).unwrap_err();
        assert!(matches!(error, SignatureError::MissingHeader(missing) if missing == name), "{error:?}");
    }
    let error = sent.verify_response(&SigningKey::random().unwrap(), &response).unwrap_err();
    assert!(matches!(error, SignatureError::WrongSignature { .. }), "{error:?}");
}

#[test]
fn a_request_cannot_be_sent_back_as_its_own_response() {
    let (sent, request) = signed();
    let (parts, body) = request.into_parts();
    let mut response = Response::new(body);
    *response.headers_mut() = parts.headers;
    let error = sent.verify_response(&key(), &response).unwrap_err();
    assert!(matches!(error, SignatureError::WrongResponseInput { .. }), "{error:?}");
}

#[test]
fn a_response_names_the_label_that_the_client_chose() {
    let (_, mut request) = signed();
    edit(request.headers_mut(), SIGNATURE_INPUT, "fnb=", "pump-7=");
    edit(request.headers_mut(), SIGNATURE, "fnb=", "pump-7=");
    let mut response = answer(&verify(&request).unwrap(), ANSWER);
    let input = response.headers_mut().insert(SIGNATURE_INPUT, HeaderValue::from_static("")).unwrap();
    let expected = format!(r#"{LABEL}=("@status" "content-digest" "signature";req;key="pump-7" "fnb-sequence";req)"#);
    assert!(input.to_str().unwrap().starts_with(&expected), "{input:?}");
}
