//! How often PINs may come from one device or address.

use std::net::SocketAddr;

use contracts::device::DeviceKind;
use web::Peer;

use super::*;

const TABLET: [u8; 4] = [192, 168, 1, 77];

/// A request from this address, with this token if it is not empty.
fn sent(from: [u8; 4], (method, path): (&str, &str), token: &str, body: &Value) -> Request<Body> {
    let peer = Peer { address: SocketAddr::from((from, 50_000)), is_encrypted: true };
    let request =
        Request::builder().method(method).uri(path).extension(peer).header("content-type", "application/json");
    let request = if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
    request.body(Body::from(body.to_string())).unwrap()
}

#[tokio::test]
async fn an_address_sends_ten_pins_at_once_and_a_tablet_behind_it_still_signs_in() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let sign_in = json!({ "staffId": StaffId::new(world.clock.now()), "pin": "0000" });
    let guest = owner.anonymous();
    let send =
        async |from, token: &str, body: &Value| guest.send(sent(from, ("POST", "/api/Session"), token, body)).await;
    let mut refused = 0;
    for _ in 0..10 {
        let answer = send(TABLET, "", &sign_in).await;
        refused += u32::from(answer.body["type"] == "/problems/rate-limited");
    }
    assert_eq!(refused, 0);
    send(TABLET, "", &sign_in).await.problem(429, "rate-limited");

    let till = world.credentials.device(DeviceKind::Pos);
    send(TABLET, &till, &json!({ "staffId": sari, "pin": "1379" })).await.expect(201);
    for _ in 0..20 {
        let answer = send([127, 0, 0, 1], "", &sign_in).await;
        assert_ne!(answer.body["type"], "/problems/rate-limited", "this machine has no limit");
    }
}

#[tokio::test]
async fn approvals_and_new_pins_count_with_sign_ins() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let token = world.credentials.staff(Role::Owner);
    let client = owner.anonymous();
    let new_pin = format!("/api/Staff/{sari}/pin");
    let approval = json!({ "staffId": sari, "pin": "0000", "action": "RESOLVE_CODE", "subject": "QR-1" });
    let requests = [
        (("POST", "/api/Session"), json!({ "staffId": sari, "pin": "0000" })),
        (("POST", "/api/Approval"), approval),
        (("PUT", new_pin.as_str()), json!({ "pin": "2468" })),
    ];
    for count in 0..10 {
        let (route, body) = &requests[count % 3];
        let answer = client.send(sent(TABLET, *route, &token, body)).await;
        assert_ne!(answer.body["type"], "/problems/rate-limited", "{route:?} {count}");
    }
    for (route, body) in &requests {
        client.send(sent(TABLET, *route, &token, body)).await.problem(429, "rate-limited");
    }
}
