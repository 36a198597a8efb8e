//! How often one caller may ask, and who may read `/metrics`.

use std::{net::IpAddr, time::Duration};

use ::access::{TokenIssuer, TokenSubject};
use contracts::{
    ids::{SessionId, StaffId},
    staff::{Role, StaffRef},
    time::Timestamp,
};

use super::*;
use crate::{Peer, PinLimit};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Lists mugs.
#[utoipa::path(get, path = "/api/Mug", responses((status = 200)))]
async fn list_mugs() -> &'static str {
    "mugs"
}

/// Counts visitors.
#[utoipa::path(get, path = "/api/Visitor", responses((status = 200)))]
async fn count_visitors() -> &'static str {
    "visitors"
}

/// Checks a PIN.
#[utoipa::path(get, path = "/api/Pin", responses((status = 200)))]
async fn check_pin(_: PinLimit) -> &'static str {
    "right"
}

/// A service with a route for staff and one for anyone, and tokens of its people.
struct Cafe {
    router: Router,
    issuer: TokenIssuer,
    now: Timestamp,
}

impl Cafe {
    fn new() -> Self {
        let clock = Clock::system();
        let (access, now) = (Access::new(clock.clone()), clock.now());
        let issuer = TokenIssuer::new(now).unwrap();
        access.add_key(issuer.key_id(), issuer.public_key().clone(), now + DAY);
        let routes = Routes::new()
            .allow(Policy::STAFF, routes!(list_mugs))
            .allow(Policy::ANYONE, routes!(count_visitors))
            .allow(Policy::ANYONE, routes!(check_pin));
        let (router, _) = finish("cafe", "Café", "Mugs.", routes, &access, ready(async || Ok(())));
        Self { router, issuer, now }
    }

    fn token(&self, role: Role) -> String {
        let staff = StaffRef { staff_id: StaffId::new(self.now), name: "Sari".into(), role };
        let subject = TokenSubject::Session { session_id: SessionId::new(self.now), staff, device_id: None };
        self.issuer.issue(subject, self.now, DAY).unwrap().0
    }

    /// `GET path` from `address`; `None` is this process.
    async fn get(&self, path: &str, address: Option<&str>, token: Option<&str>) -> Reply {
        let mut request = request("GET", path, Body::empty());
        if let Some(address) = address {
            let address: IpAddr = address.parse().unwrap();
            request.extensions_mut().insert(Peer { address: (address, 50_000).into(), is_encrypted: false });
        }
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        send(&self.router, request).await
    }

    /// How many of `count` requests get this status.
    async fn count(&self, count: u32, status: u16, path: &str, address: Option<&str>, token: Option<&str>) -> u32 {
        let mut found = 0;
        for _ in 0..count {
            found += u32::from(self.get(path, address, token).await.status.as_u16() == status);
        }
        found
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_asks_too_often_learns_when_to_come_back() {
    let cafe = Cafe::new();
    let stranger = Some("192.0.2.1");
    assert_eq!(cafe.count(60, 200, "/api/Visitor", stranger, None).await, 60);

    let refused = cafe.get("/api/Visitor", stranger, None).await;
    refused.problem(429, "rate-limited");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(cafe.get("/api/Visitor", Some("192.0.2.2"), None).await.status, 200);

    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(cafe.count(20, 200, "/api/Visitor", stranger, None).await, 10);
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_are_limited_and_the_right_one_still_works() {
    let cafe = Cafe::new();
    let address = Some("192.0.2.3");
    assert_eq!(cafe.count(30, 401, "/api/Mug", address, Some("v4.public.forged")).await, 20);

    cafe.get("/api/Mug", address, Some("v4.public.forged")).await.problem(429, "rate-limited");
    assert_eq!(cafe.get("/api/Mug", address, Some(&cafe.token(Role::Cashier))).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_person_has_one_allowance_at_every_address() {
    let cafe = Cafe::new();
    let token = cafe.token(Role::Cashier);
    assert_eq!(cafe.count(200, 200, "/api/Mug", Some("192.0.2.4"), Some(&token)).await, 200);
    assert_eq!(cafe.count(300, 200, "/api/Mug", Some("192.0.2.5"), Some(&token)).await, 200);

    let another = cafe.token(Role::Cashier);
    assert_eq!(cafe.get("/api/Mug", Some("192.0.2.5"), Some(&another)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn this_machine_has_no_limit() {
    let cafe = Cafe::new();
    for address in [None, Some("127.0.0.1"), Some("::1"), Some("::ffff:127.0.0.1")] {
        assert_eq!(cafe.count(500, 200, "/api/Visitor", address, None).await, 500, "{address:?}");
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_owners() {
    let cafe = Cafe::new();
    for address in [None, Some("127.0.0.1"), Some("::1")] {
        assert_eq!(cafe.get("/metrics", address, None).await.status, 200, "{address:?}");
    }
    let guest = Some("192.0.2.6");
    cafe.get("/metrics", guest, None).await.problem(401, "sign-in-required");
    cafe.get("/metrics", guest, Some(&cafe.token(Role::Manager))).await.problem(403, "forbidden");
    assert_eq!(cafe.get("/metrics", guest, Some(&cafe.token(Role::Owner))).await.status, 200);
    assert_eq!(cafe.get("/livez", guest, None).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn pins_come_ten_at_once_and_then_one_a_second() {
    let cafe = Cafe::new();
    let (guest, token) = (Some("192.0.2.7"), cafe.token(Role::Cashier));
    assert_eq!(cafe.count(20, 200, "/api/Pin", guest, None).await, 10);
    let refused = cafe.get("/api/Pin", guest, None).await;
    let problem = refused.problem(429, "rate-limited");
    assert!(problem["detail"].as_str().unwrap().starts_with("PINs come"), "{problem}");
    assert_eq!(cafe.get("/api/Visitor", guest, None).await.status, 200, "other requests are not PINs");

    assert_eq!(
        cafe.count(20, 200, "/api/Pin", guest, Some(&token)).await,
        10,
        "a person has an allowance of their own"
    );
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(cafe.count(20, 200, "/api/Pin", guest, None).await, 3);
    assert_eq!(cafe.count(50, 200, "/api/Pin", Some("127.0.0.1"), None).await, 50);
}

#[tokio::test(start_paused = true)]
async fn readiness_and_the_api_document_are_limited_too_and_liveness_is_not() {
    let cafe = Cafe::new();
    for (path, address) in [("/readyz", "192.0.2.8"), ("/openapi.json", "192.0.2.9")] {
        assert_eq!(cafe.count(80, 200, path, Some(address), None).await, 60, "{path}");
        cafe.get(path, Some(address), None).await.problem(429, "rate-limited");
        assert_eq!(cafe.get("/livez", Some(address), None).await.status, 200);
        assert_eq!(cafe.get(path, Some(address), Some(&cafe.token(Role::Owner))).await.status, 200);
    }
}
