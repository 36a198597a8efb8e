//! Credentials: tokens, dispensers' keys, and signatures. Nothing but what the shop made is accepted.

use std::{sync::LazyLock, time::Duration};

use access::{
    Access, SigningKey, TokenIssuer, TokenSubject,
    signature::{self, SignedRequest},
};
use axum::http::{HeaderName, HeaderValue, Request};
use clock::Clock;
use contracts::{
    device::DeviceKind,
    ids::{DeviceId, SessionId},
    staff::Role,
    time::Timestamp,
};

use crate::text;

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
/// Signs the requests of the corpus.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const BODY: &[u8] = b"{\"code\":\"QR-1\"}";

/// A process that knows one key and one dispenser, and a token of the key.
struct Shop {
    access: Access,
    token: String,
}

static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let access = Access::new(Clock::manual(NOW));
    let issuer = TokenIssuer::new(NOW).expect("randomness");
    access.add_key(issuer.key_id(), issuer.public_key().clone(), NOW + HOUR);
    access.put_device(&testkit::device(DeviceKind::Dispenser, NOW), SigningKey::random().ok());
    let session_id = SessionId::new(NOW);
    let subject = TokenSubject::Session { session_id, staff: testkit::staff(Role::Owner), device_id: None };
    let (token, _) = issuer.issue(subject, NOW, HOUR).expect("a token");
    Shop { access, token }
});

/// No text is a token, and a token with one other byte is none: the first two bytes say where, the others are put there.
pub fn tokens(data: &[u8]) {
    let Shop { access, token } = &*SHOP;
    assert!(access.caller(token).is_ok());
    let Some(sent) = text(data) else { return };
    assert!(access.caller(sent).is_err(), "{sent:?} is a credential");
    let [high, low, ..] = *data else { return };
    let at = usize::from(u16::from_be_bytes([high, low])) % token.len();
    let Some(put) = sent.get(2..) else { return };
    let changed = format!("{}{put}{}", &token[..at], token.get(at + put.len()..).unwrap_or_default());
    if changed != *token {
        assert!(access.caller(&changed).is_err(), "{changed:?} is a credential");
    }
}

/// Headers of a signed request, a line each. Only the headers that the device made are accepted; a change is not.
pub fn signatures(data: &[u8]) {
    let key = SigningKey::parse(KEY).expect("a key");
    let mut request = Request::post("/api/QrCode/validate").body(BODY).expect("a request");
    signature::sign_request(&mut request, &key, device_id(), 7).expect("a signature");
    let signed = request.headers().clone();
    let headers = request.headers_mut();
    for line in data.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
            headers.insert(name, value);
        }
    }
    let parsed = SignedRequest::parse(request.method(), request.uri(), request.headers());
    let is_accepted = parsed.is_ok_and(|request| request.verify(&key, BODY).is_ok());
    let covered = [signature::FNB_DEVICE, signature::FNB_SEQUENCE, signature::CONTENT_DIGEST];
    let is_changed = covered.iter().any(|name| request.headers().get(*name) != signed.get(*name));
    assert!(!(is_accepted && is_changed), "a changed request is accepted: {:?}", request.headers());
}

fn device_id() -> DeviceId {
    testkit::device_id(DeviceKind::Dispenser)
}
