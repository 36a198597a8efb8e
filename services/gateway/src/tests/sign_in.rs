//! Where people may sign in, with which credentials, and what the audit trail keeps of it.

use std::{net::SocketAddr, time::Duration};

use access::{Access, TokenError};
use contracts::{device::DeviceKind, event::ActAudited};
use host::ServiceContext;
use web::Peer;

use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// `POST /api/Session` with these headers, from this address.
async fn sign_in_from(client: &Client, address: &str, headers: &[(&str, &str)], id: StaffId, pin: &str) -> Reply {
    let body = json!({"staffId": id, "pin": pin}).to_string();
    let request = Request::post("/api/Session").header("content-type", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let mut request = request.body(Body::from(body)).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    request.extensions_mut().insert(Peer { address, is_encrypted: false });
    client.send(request).await
}

fn actions(world: &World) -> Vec<(String, Option<String>)> {
    let after = |act: &ActAudited| act.0.after.as_ref().map(|after| after.get().to_owned());
    world.published::<ActAudited>().iter().map(|act| (act.0.action.clone(), after(act))).collect()
}

#[tokio::test]
async fn a_device_that_is_not_paired_signs_nobody_in_but_this_machine_does() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let guest = owner.anonymous();

    for pin in ["1379", "0000"] {
        let refused = sign_in_from(&guest, "192.168.1.20:50000", &[], sari, pin).await.problem(403, "pair-first");
        assert!(refused["detail"].as_str().unwrap().contains("/pair"), "{refused}");
    }
    let seen = owner.get(&format!("/api/Staff/{sari}")).await.read::<StaffView>(200);
    assert_eq!(seen.failed_attempts, 0);
    let dispenser = format!("Bearer {}", world.credentials.device(DeviceKind::Dispenser));
    let of_dispenser = [("authorization", dispenser.as_str())];
    sign_in_from(&guest, "192.168.1.20:50000", &of_dispenser, sari, "1379").await.problem(403, "pair-first");

    let till = format!("fnb_device={}", world.credentials.device(DeviceKind::Pos));
    sign_in_from(&guest, "192.168.1.20:50000", &[("cookie", &till)], sari, "1379").await.expect(201);
    for here in ["127.0.0.1:50000", "[::1]:50000"] {
        sign_in_from(&guest, here, &[], sari, "1379").await.expect(201);
    }
}

#[tokio::test]
async fn a_credential_that_has_ended_is_refused_and_not_taken_for_a_stranger() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let guest = owner.anonymous();
    let session: SignedIn = sign_in(&guest, sari, "1379").await.read(201);
    let client = guest.with_token(&session.token);
    client.delete("/api/Session").await.expect(204);

    sign_in(&client, sari, "1379").await.problem(401, "token-revoked");
    sign_in(&guest.with_token("v4.public.x"), sari, "1379").await.problem(401, "invalid-token");
    let session = format!("fnb_session={}", session.token);
    let refused = sign_in_from(&guest, "127.0.0.1:50000", &[("cookie", &session)], sari, "1379").await;
    assert_eq!(refused.headers["set-cookie"], "fnb_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    refused.problem(401, "token-revoked");
    let beside = format!("{session}; fnb_device={}", world.credentials.device(DeviceKind::Pos));
    sign_in_from(&guest, "192.168.1.20:50000", &[("cookie", &beside)], sari, "1379").await.expect(201);
}

#[tokio::test]
async fn at_a_kiosk_only_managers_and_owners_sign_in() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let dimas = add(&owner, "Dimas", Role::Manager, "2468").await;
    let kiosk = owner.with_token(&world.credentials.device(DeviceKind::Kiosk));

    sign_in(&kiosk, sari, "0000").await.problem(401, "wrong-pin");
    let refused = sign_in(&kiosk, sari, "1379").await.problem(403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("till"), "{refused}");
    sign_in(&kiosk, dimas, "2468").await.expect(201);

    world.wait_until_idle().await;
    let last = actions(&world).pop().unwrap();
    assert_eq!(last, ("staff.sign_in_refused".into(), Some(r#"{"failedAttempts":1}"#.into())));
}

#[tokio::test]
async fn wrong_pins_before_a_right_one_are_in_the_audit_trail() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let till = owner.with_token(&world.credentials.device(DeviceKind::Pos));
    sign_in(&till, sari, "1379").await.expect(201);
    world.wait_until_idle().await;
    let before = actions(&world).len();

    for _ in 0..3 {
        sign_in(&till, sari, "0000").await.expect(401);
    }
    sign_in(&till, sari, "1379").await.expect(201);

    world.wait_until_idle().await;
    assert_eq!(actions(&world)[before..], [("staff.signed_in".into(), Some(r#"{"failedAttempts":3}"#.into()))]);
    let act = world.published::<ActAudited>().pop().unwrap().0;
    assert_eq!((act.actor.staff.unwrap().name, act.actor.device.unwrap().name), ("Sari".into(), "POS 1".into()));
}

#[tokio::test]
async fn a_lock_is_in_the_audit_trail_before_its_pin_is_verified() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    for _ in 0..4 {
        sign_in(&owner.anonymous(), sari, "0000").await.expect(401);
    }
    sign_in(&owner.anonymous(), sari, "1379").await.expect(201);

    world.wait_until_idle().await;
    let actions = actions(&world).into_iter().map(|(action, _)| action).collect::<Vec<_>>();
    assert_eq!(actions[actions.len() - 2..], ["staff.locked", "staff.signed_in"]);
}

#[tokio::test]
async fn a_sign_out_while_the_clock_ran_ahead_holds_after_it_is_set_back() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let start = world.clock.now();
    let session: SignedIn = sign_in(&owner.anonymous(), sari, "1379").await.read(201);

    world.clock.set(start + 48 * HOUR);
    owner.post(&format!("/api/Staff/{sari}/sign-out"), json!({})).await.expect(200);
    world.stop().await;
    let next = ServiceContext { access: Access::new(world.clock.clone()), ..world.context().clone() };
    crate::open_with_cost(&next, FirstStart::default(), PinCost::CHEAP).await.unwrap();
    world.clock.set(start);

    assert_eq!(next.access.caller(&session.token).unwrap_err(), TokenError::Revoked);
}

#[tokio::test]
async fn one_round_deletes_every_old_attempt_with_an_id_that_nobody_has() {
    let world = World::new().await;
    let service = open(&world, FirstStart::default()).await.service;
    let pruning = service.timers.iter().find(|timer| timer.name == "credentials").unwrap().clone();
    let db = service.db.clone();
    let now = world.clock.now();
    let guessed = db.write::<_, db::DbError, _>(move |tx| {
        for _ in 0..11_000 {
            crate::store::staff::count_attempt(tx, StaffId::new(now), now)?;
        }
        Ok(())
    });
    guessed.await.unwrap();

    world.clock.advance(13 * HOUR);
    (pruning.run)().await.unwrap();

    const SQL: &str = "SELECT COUNT(*) AS attempts FROM pin_attempts";
    let left = db.read::<i64, db::DbError, _>(|tx| tx.query_one(SQL, (), |row| row.get("attempts")));
    assert_eq!(left.await.unwrap(), 0);
}
