//! The examples of RFC 9421 and RFC 9530.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::signature::{Component, ContentDigest, Line, SignatureBase};

const REQUEST_DIGEST: &str =
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
const RESPONSE_DIGEST: &str =
    "sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:";
/// `test-shared-secret` of RFC 9421, appendix B.1.5.
const SHARED_SECRET: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
/// The signature of the request in the draft's example of a bound response.
const SIG1: &str = ":LAH8BjcfcOcLojiuOBFWn0P5keD3xAOuJRGziCLuD8r5MW9S0RoXXLzLSRfGY/3SF8kVIkHjE13SEFdTo4Af/fJ/Pu9wheqoLV\
    dwXyY/UkBIS1M8Brc8IODsn5DFIrG0IrburbLi0uCc+E2ZIIb6HbUJ+o+jP58JelMTe0QE3IpWINTEzpxjqDf5/Df+InHCAkQCTuKsamjWXUpyOT1\
    Wkxi7YPVNOjW4MfNuTZ9HdbD2Tr65+BXeTG9ZS/9SWuXAc+BZ8WyPz0QRz//ec3uWXd7bYYODSjRAxHqX+S1ag3LZElYyUKaAIjZ8MGOt4gXEwCSL\
    Dv/zqxZeWLj/PDkn6w==:";

fn text(lines: &[(Component<'_>, &str)], parameters: &str) -> String {
    let lines: Vec<_> = lines.iter().map(|(component, value)| Line { component: *component, value }).collect();
    SignatureBase { lines: &lines, parameters: &parameters }.to_string()
}

#[test]
fn the_hmac_sha256_example_of_rfc_9421_b_2_5_has_the_same_signature() {
    let key: [u8; 64] = STANDARD.decode(SHARED_SECRET).unwrap().try_into().unwrap();
    let lines = [
        Line { component: Component::Message("date"), value: &"Tue, 20 Apr 2021 02:07:55 GMT" },
        Line { component: Component::Message("@authority"), value: &"example.com" },
        Line { component: Component::Message("content-type"), value: &"application/json" },
    ];
    let base = SignatureBase { lines: &lines, parameters: &r#";created=1618884473;keyid="test-shared-secret""# };

    let expected_input = r#"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
    assert_eq!(base.params().to_string(), expected_input);
    let expected = format!(
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n\
         \"@signature-params\": {expected_input}"
    );
    assert_eq!(base.to_string(), expected);
    let signature = base.sign(&key);
    assert_eq!(signature.to_string(), ":pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:");
    assert!(base.is_signed_by(&key, &signature));
}

#[test]
fn the_signature_base_of_rfc_9421_section_2_5_is_the_same() {
    let lines = [
        (Component::Message("@method"), "POST"),
        (Component::Message("@authority"), "example.com"),
        (Component::Message("@path"), "/foo"),
        (Component::Message("content-digest"), REQUEST_DIGEST),
        (Component::Message("content-length"), "18"),
        (Component::Message("content-type"), "application/json"),
    ];
    let expected = format!(
        r#""@method": POST
"@authority": example.com
"@path": /foo
"content-digest": {REQUEST_DIGEST}
"content-length": 18
"content-type": application/json
"@signature-params": ("@method" "@authority" "@path" "content-digest" "content-length" "content-type");created=1618884473;keyid="test-key-rsa-pss""#
    );
    assert_eq!(text(&lines, r#";created=1618884473;keyid="test-key-rsa-pss""#), expected);
}

#[test]
fn the_response_base_of_rfc_9421_section_2_4_is_the_same() {
    let lines = [
        (Component::Message("@status"), "503"),
        (Component::Message("content-digest"), RESPONSE_DIGEST),
        (Component::Message("content-type"), "application/json"),
        (Component::Request("@authority"), "example.com"),
        (Component::Request("@method"), "POST"),
        (Component::Request("@path"), "/foo"),
        (Component::Request("content-digest"), REQUEST_DIGEST),
    ];
    let expected = format!(
        r#""@status": 503
"content-digest": {RESPONSE_DIGEST}
"content-type": application/json
"@authority";req: example.com
"@method";req: POST
"@path";req: /foo
"content-digest";req: {REQUEST_DIGEST}
"@signature-params": ("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256""#
    );
    assert_eq!(text(&lines, r#";created=1618884479;keyid="test-key-ecc-p256""#), expected);
}

/// The RFC itself shows no signature with `req` and `key`; draft 13 of it does.
#[test]
fn a_base_with_the_signature_of_the_request_is_as_in_draft_13_of_rfc_9421() {
    let lines = [
        (Component::Message("@status"), "503"),
        (Component::Message("content-length"), "62"),
        (Component::Message("content-type"), "application/json"),
        (Component::RequestMember("signature", "sig1"), SIG1),
        (Component::Request("@authority"), "example.com"),
        (Component::Request("@method"), "POST"),
    ];
    let expected = format!(
        r#""@status": 503
"content-length": 62
"content-type": application/json
"signature";req;key="sig1": {SIG1}
"@authority";req: example.com
"@method";req: POST
"@signature-params": ("@status" "content-length" "content-type" "signature";req;key="sig1" "@authority";req "@method";req);created=1618884479;keyid="test-key-ecc-p256""#
    );
    assert_eq!(text(&lines, r#";created=1618884479;keyid="test-key-ecc-p256""#), expected);
}

#[test]
fn the_digests_of_rfc_9530_are_the_same() {
    let examples = [
        ("{\"hello\": \"world\"}", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        ("{\"hello\": \"world\"}\n", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
        ("", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    ];
    for (body, expected) in examples {
        let digest = ContentDigest::of(body.as_bytes());
        assert_eq!(digest.to_string(), expected);
        assert_eq!(ContentDigest::parse(expected), Some(digest));
    }
}
