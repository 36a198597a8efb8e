//! Requests that are not accepted, and what the person who wrote the client reads.

use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::{BODY, DEVICE, OTHER_DEVICE, PATH, device, edit, key, signed, verify};
use crate::{
    SigningKey,
    signature::{
        CONTENT_DIGEST, ContentDigest, FNB_DEVICE, FNB_SEQUENCE, HEADER_BYTES_MAX, SEQUENCE_MAX, SIGNATURE,
        SIGNATURE_INPUT, SignatureBase, SignatureError, SignedRequest, is_signed, request::request_lines, sign_request,
    },
};

/// The error of a request whose headers were changed.
fn refused(change: impl FnOnce(&mut HeaderMap)) -> SignatureError {
    let (_, mut request) = signed();
    change(request.headers_mut());
    verify(&request).unwrap_err()
}

/// The error of a request whose Signature-Input has `to` in the place of `from`.
fn refused_input(from: &str, to: &str) -> SignatureError {
    refused(|headers| edit(headers, SIGNATURE_INPUT, from, to))
}

/// A request as a client with other parameters signs it.
fn signed_with(parameters_sent: &str, parameters_signed: &str) -> Request<String> {
    let (_, mut request) = signed();
    let digest = ContentDigest::of(BODY.as_bytes());
    let (device, sequence) = (device(), 41);
    let lines = request_lines(&Method::POST, &PATH, &digest, &device, &sequence);
    let signature = SignatureBase { lines: &lines, parameters: &parameters_signed }.sign(key().bytes());
    let input = format!("my-label={}", SignatureBase { lines: &lines, parameters: &parameters_sent }.params());
    request.headers_mut().insert(SIGNATURE_INPUT, input.parse().unwrap());
    request.headers_mut().insert(SIGNATURE, format!("my-label={signature}").parse().unwrap());
    request
}

#[test]
fn a_signed_request_is_accepted_with_its_device_and_sequence() {
    let (_, request) = signed();
    assert!(is_signed(request.headers()) && !is_signed(&HeaderMap::new()));
    let verified = verify(&request).unwrap();
    assert_eq!((verified.device_id(), verified.sequence()), (device(), 41));
}

#[test]
fn created_expires_and_nonce_are_allowed_and_covered_in_the_form_of_rfc_9651() {
    let parameters = format!(r#";created=1618884473;keyid="{DEVICE}";nonce="a\"b";expires=1618884533"#);
    verify(&signed_with(&parameters, &parameters)).unwrap();
    let spaced = format!(r#"; created=01618884473;  keyid="{DEVICE}"; nonce="a\"b";expires=1618884533"#);
    verify(&signed_with(&spaced, &parameters)).unwrap();
    let later = parameters.replace("533", "633");
    let error = verify(&signed_with(&later, &parameters)).unwrap_err();
    assert!(matches!(error, SignatureError::WrongSignature { .. }), "{error:?}");
}

#[test]
fn a_header_that_is_missing_repeated_too_long_or_not_ascii_is_named() {
    for name in [FNB_DEVICE, FNB_SEQUENCE, CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE] {
        let error = refused(|headers| drop(headers.remove(name)));
        assert_eq!(error.to_string(), format!("the header {name} is missing"));

        let error = refused(|headers| {
            let value = headers[name].clone();
            headers.append(name, value);
        });
        assert_eq!(error.to_string(), format!("the header {name} is there more than once: send it once"));

        let long = "a".repeat(HEADER_BYTES_MAX + 1);
        let error = refused(|headers| drop(headers.insert(name, long.parse().unwrap())));
        assert_eq!(error.to_string(), format!("the header {name} has more than 512 bytes"));

        let error = refused(|headers| drop(headers.insert(name, HeaderValue::from_bytes(b"\xc3\xa9").unwrap())));
        assert_eq!(error.to_string(), format!("the header {name} contains something other than ASCII"));
    }
}

#[test]
fn the_components_must_be_those_of_the_list_in_their_order() {
    let changes = [
        (r#""@method" "#, ""),
        (r#" "fnb-sequence""#, ""),
        (r#""@method" "@path""#, r#""@path" "@method""#),
        (r#""fnb-sequence""#, r#""fnb-sequence" "date""#),
        (r#""@path""#, r#""@path";req"#),
        (r#""@path""#, "path"),
        (r#"("@method" "@path" "content-digest" "fnb-device" "fnb-sequence")"#, "()"),
        (r#"("@method" "@path" "content-digest" "fnb-device" "fnb-sequence")"#, "?1"),
    ];
    for (from, to) in changes {
        let error = refused_input(from, to);
        assert!(matches!(error, SignatureError::WrongComponents { .. }), "{to}: {error:?}");
    }
    let text = refused_input(r#""@method" "@path""#, r#""@path" "@method""#).to_string();
    assert!(text.starts_with(r#"signature-input covers ("@path" "@method" "content-digest" "#), "{text}");
    assert!(text.contains(r#"it must cover ["@method", "@path", "content-digest", "#), "{text}");
}

#[test]
fn two_signatures_none_and_garbage_are_refused() {
    let two = |headers: &mut HeaderMap| {
        let input = format!("{0}, b{0}", headers[SIGNATURE_INPUT].to_str().unwrap());
        headers.insert(SIGNATURE_INPUT, input.parse().unwrap());
    };
    assert!(matches!(refused(two), SignatureError::NotOneSignature(2)));
    let empty = |headers: &mut HeaderMap| drop(headers.insert(SIGNATURE_INPUT, HeaderValue::from_static("")));
    assert!(matches!(refused(empty), SignatureError::NotOneSignature(0)));
    for (from, to) in [("(", "(("), (")", ""), ("fnb=", "FNB="), (";alg", ";;alg"), ("keyid=\"", "keyid=")] {
        let error = refused_input(from, to);
        assert!(matches!(error, SignatureError::InvalidInput(_)), "{to}: {error:?}");
    }
}

#[test]
fn the_parameters_name_the_device_and_the_algorithm_and_nothing_unknown() {
    let key_id = format!(r#";keyid="{DEVICE}""#);
    assert!(matches!(refused_input(&key_id, ""), SignatureError::MissingKeyId));
    assert!(matches!(refused_input(DEVICE, OTHER_DEVICE), SignatureError::WrongKeyId(id) if id == OTHER_DEVICE));
    assert!(matches!(refused_input("hmac-sha256", "ed25519"), SignatureError::WrongAlgorithm(_)));
    assert!(
        matches!(refused_input(";alg", r#";tag="a";alg"#), SignatureError::UnknownParameter(name) if name == "tag")
    );
    for parameter in ["created=\"1\"", "created=1.5", "expires=@1", "nonce=1", "alg=hmac-sha256"] {
        let error = refused_input(";alg=\"hmac-sha256\"", &format!(";{parameter}"));
        assert!(matches!(error, SignatureError::InvalidParameter(_)), "{parameter}: {error:?}");
    }
}

#[test]
fn a_device_and_a_sequence_have_one_way_to_be_written() {
    for device in ["", "dispenser-1", &DEVICE.to_uppercase(), &DEVICE.replace('-', "")] {
        let error = refused(|headers| drop(headers.insert(FNB_DEVICE, device.parse().unwrap())));
        assert!(matches!(error, SignatureError::InvalidDevice(_)), "{device}: {error:?}");
    }
    let too_great = (SEQUENCE_MAX + 1).to_string();
    for sequence in ["", "0", "-1", "+41", "041", "41.0", "0x29", &too_great, "99999999999999999999999"] {
        let error = refused(|headers| drop(headers.insert(FNB_SEQUENCE, sequence.parse().unwrap())));
        assert!(matches!(error, SignatureError::InvalidSequence(_)), "{sequence}: {error:?}");
    }
    for sequence in [0, SEQUENCE_MAX + 1] {
        let mut request = Request::post(PATH).body(BODY).unwrap();
        assert!(matches!(
            sign_request(&mut request, &key(), device(), sequence),
            Err(SignatureError::InvalidSequence(_))
        ));
    }
}

#[test]
fn truncated_base64_and_another_label_are_refused() {
    let cut = |header: &'static str, characters: usize| {
        refused(|headers| {
            let text = headers[header].to_str().unwrap().trim_end_matches(':');
            let text = format!("{}:", &text[..text.len() - characters]);
            headers.insert(header, text.parse().unwrap());
        })
    };
    for characters in [1, 2, 4, 40, 44] {
        assert!(matches!(cut(SIGNATURE, characters), SignatureError::InvalidSignature { .. }), "{characters}");
        assert!(matches!(cut(CONTENT_DIGEST, characters), SignatureError::InvalidDigest(_)), "{characters}");
    }
    let text = refused(|headers| edit(headers, SIGNATURE, "fnb=", "sig1=")).to_string();
    assert!(text.contains("it must be fnb=:<base64 of 32 bytes>: with the label of signature-input"), "{text}");
    let sha_512 = refused(|headers| edit(headers, CONTENT_DIGEST, "sha-256", "sha-512"));
    assert!(matches!(sha_512, SignatureError::InvalidDigest(_)));
}

#[test]
fn a_changed_method_path_sequence_digest_or_body_is_noticed() {
    let changed = |change: fn(&mut Request<String>)| {
        let (_, mut request) = signed();
        change(&mut request);
        verify(&request).unwrap_err()
    };
    let changes: [fn(&mut Request<String>); 3] = [
        |request| *request.method_mut() = Method::PUT,
        |request| *request.uri_mut() = Uri::from_static("/api/QrCode/heartbeat"),
        |request| drop(request.headers_mut().insert(FNB_SEQUENCE, HeaderValue::from(42))),
    ];
    for change in changes {
        let error = changed(change);
        assert!(matches!(error, SignatureError::WrongSignature { .. }), "{error:?}");
    }
    let other_body = changed(|request| request.body_mut().push(' '));
    assert!(matches!(other_body, SignatureError::DigestMismatch { .. }), "{other_body:?}");
    let query = changed(|request| *request.uri_mut() = Uri::from_static("/api/QrCode/validate?a=1"));
    assert!(matches!(query, SignatureError::QueryNotCovered), "{query:?}");
}

#[test]
fn another_devices_key_does_not_verify_and_the_error_has_the_expected_base() {
    let (_, request) = signed();
    let read = SignedRequest::parse(request.method(), request.uri(), request.headers()).unwrap();
    assert_eq!(read.device_id(), device());
    let error = read.verify(&SigningKey::random().unwrap(), BODY.as_bytes()).unwrap_err();
    let SignatureError::WrongSignature { base } = error else { panic!("{error:?}") };
    let expected = format!(
        r#""@method": POST
"@path": /api/QrCode/validate
"content-digest": {}
"fnb-device": {DEVICE}
"fnb-sequence": 41
"@signature-params": ("@method" "@path" "content-digest" "fnb-device" "fnb-sequence");keyid="{DEVICE}";alg="hmac-sha256""#,
        request.headers()[CONTENT_DIGEST].to_str().unwrap()
    );
    assert_eq!(base, expected);
}
