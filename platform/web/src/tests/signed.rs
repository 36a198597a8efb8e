//! Signed requests of dispensers.

use ::access::{Access, Policy, SigningKey, signature::sign_request};
use axum::body::Bytes;
use clock::Clock;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::DeviceId,
    time::Timestamp,
};

use super::*;
use crate::Caller;

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

#[utoipa::path(post, path = "/api/Pour", responses((status = 200)))]
async fn pour(caller: Caller, Json(cups): Json<Cups>) -> String {
    format!("{} cups, request {:?}", cups.lines.len(), caller.sequence)
}

struct Shop {
    router: Router,
    device_id: DeviceId,
    key: SigningKey,
}

impl Shop {
    fn new() -> Self {
        let access = Access::new(Clock::manual(NOW));
        let (device_id, key) = (DeviceId::new(NOW), SigningKey::random().unwrap());
        let dispenser = DeviceView {
            device_id,
            kind: DeviceKind::Dispenser,
            name: "Dispenser 1".into(),
            place: None,
            letter: None,
            products: Vec::new(),
            ml_per_second: Some(30),
            is_bearer_allowed: false,
            paired_at: NOW,
            last_seen_at: None,
            revoked_at: None,
            revoke_reason: None,
            key_version: 1,
            version: 1,
        };
        access.put_device(&dispenser, Some(key.clone()));
        let dispensers = Policy::NOBODY.or(::access::CallerRole::Dispenser);
        let routes = Routes::new().allow(dispensers, routes!(pour));
        let router = finish("pour", "Pour", "", routes, &access, ready(async || Ok(()))).0;
        Self { router, device_id, key }
    }

    async fn send(&self, request: axum::http::Request<Bytes>) -> axum::http::Response<Bytes> {
        let response = self.router.clone().oneshot(request.map(Body::from)).await.unwrap();
        let (parts, body) = response.into_parts();
        axum::http::Response::from_parts(parts, to_bytes(body, BODY_BYTES_MAX).await.unwrap())
    }
}

fn cup() -> axum::http::Request<Bytes> {
    let body = Bytes::from_static(br#"{"lines":[{"cupCount":1,"size":"LARGE"}]}"#);
    axum::http::Request::post("/api/Pour").header("content-type", "application/json").body(body).unwrap()
}

#[tokio::test]
async fn a_signed_request_gets_a_response_that_is_signed_for_it() {
    let shop = Shop::new();
    let mut request = cup();
    let sent = sign_request(&mut request, &shop.key, shop.device_id, 7).unwrap();
    let response = shop.send(request).await;
    assert_eq!(response.body().as_ref(), b"1 cups, request Some(7)");
    sent.verify_response(&shop.key, &response).unwrap();

    let mut other = cup();
    let other = sign_request(&mut other, &shop.key, shop.device_id, 8).unwrap();
    assert!(other.verify_response(&shop.key, &response).is_err(), "it answers one request alone");

    // A refusal is signed too, so that the machine can believe it.
    let mut wrong = cup().map(|_| Bytes::from_static(b"{}"));
    let sent = sign_request(&mut wrong, &shop.key, shop.device_id, 9).unwrap();
    let refused = shop.send(wrong).await;
    assert_eq!(refused.status(), 422);
    sent.verify_response(&shop.key, &refused).unwrap();
}

#[tokio::test]
async fn a_changed_request_is_refused_without_a_signature() {
    let shop = Shop::new();
    let signed = || {
        let mut request = cup();
        sign_request(&mut request, &shop.key, shop.device_id, 7).unwrap();
        request
    };
    let mut changed_sequence = signed();
    changed_sequence.headers_mut().insert("fnb-sequence", "8".parse().unwrap());
    let mut without_signature = signed();
    without_signature.headers_mut().remove("signature");
    let changed_body = signed().map(|_| Bytes::from_static(br#"{"lines":[]}"#));
    for request in [changed_body, changed_sequence, without_signature] {
        let refused = shop.send(request).await;
        assert_eq!(refused.status(), 401);
        assert!(String::from_utf8_lossy(refused.body()).contains("/problems/invalid-signature"));
        assert!(!refused.headers().contains_key("signature"));
    }
}

#[tokio::test]
async fn a_device_that_is_not_paired_is_refused() {
    let (shop, other) = (Shop::new(), Shop::new());
    let mut request = cup();
    sign_request(&mut request, &other.key, other.device_id, 1).unwrap();
    let refused = shop.send(request).await;
    assert_eq!(refused.status(), 401);
    assert!(String::from_utf8_lossy(refused.body()).contains("/problems/unknown-device"));
}
