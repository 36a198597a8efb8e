//! docs/DISPENSER-PROTOCOL.md shows a request and a response as they are.

use std::fs;

use http::{HeaderMap, StatusCode};

use super::{ANSWER, BODY, PATH, answer, device, key, signed, verify};
use crate::signature::{
    ContentDigest, KeyParameters, SignatureBase, exchange::Exchange, request::request_lines, signature,
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/DISPENSER-PROTOCOL.md");

/// A message with the headers in the order in which we add them.
fn message(start: &str, headers: &HeaderMap, body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
    format!("{start}\n{}\n{body}", headers.collect::<String>())
}

/// A text as an indented block of the document.
fn block(text: &str) -> String {
    let indented = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
    format!("\n{}\n", text.lines().map(indented).collect::<String>())
}

#[test]
fn the_example_of_the_dispenser_protocol_is_what_the_code_signs() {
    let (_, request) = signed();
    let response = answer(&verify(&request).unwrap(), ANSWER);
    let (device_id, sequence) = (device(), 41);
    let (request_digest, response_digest) = (ContentDigest::of(BODY.as_bytes()), ContentDigest::of(ANSWER.as_bytes()));
    let lines = request_lines(request.method(), &PATH, &request_digest, &device_id, &sequence);
    let parameters = KeyParameters { device: &device_id };
    let request_base = SignatureBase { lines: &lines, parameters: &parameters }.to_string();
    let signature = signature(request.headers(), "fnb").unwrap();
    let exchange = Exchange { device_id, sequence, label: "fnb".into(), signature };
    let response_base = exchange.with_response_base(StatusCode::OK, &response_digest, |base| base.to_string());

    let document = fs::read_to_string(DOCUMENT).unwrap();
    assert!(document.contains(&key().to_text()), "the document does not name the key {}", key().to_text());
    let examples = [
        message("POST /api/QrCode/validate HTTP/1.1", request.headers(), BODY),
        request_base,
        message("HTTP/1.1 200 OK", response.headers(), ANSWER),
        response_base,
    ];
    for example in examples {
        let block = block(&example);
        assert!(document.contains(&block), "the document does not contain:\n{block}");
    }
}
