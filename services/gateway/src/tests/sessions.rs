use std::time::Duration;

use access::{Access, TokenError};
use contracts::{
    device::{DeviceKind, DeviceView},
    event::{ActAudited, SessionEnded},
    ids::DeviceId,
    staff::StaffTile,
    time::Timestamp,
};
use futures::future::join_all;
use host::{ServiceContext, ServiceHost};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

async fn view(owner: &Client, id: StaffId) -> StaffView {
    owner.get(&format!("/api/Staff/{id}")).await.read(200)
}

#[tokio::test]
async fn a_person_signs_in_with_their_pin_for_twelve_hours() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;

    let reply = sign_in(&owner.anonymous(), sari, "1379").await;
    let cookie = reply.headers["set-cookie"].to_str().unwrap().to_owned();
    let session: SignedIn = reply.read(201);
    assert_eq!(session.session.expires_at, world.clock.now() + 12 * 60 * MINUTE);
    assert_eq!(cookie, format!("fnb_session={}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", session.token));

    let client = owner.anonymous().with_token(&session.token);
    let seen = client.get("/api/Session").await.expect(200);
    assert_eq!((&seen["staff"]["name"], &seen["staff"]["role"]), (&json!("Sari"), &json!("CASHIER")));
    let seen = view(&owner, sari).await;
    assert!(seen.is_signed_in && seen.signed_in_at == Some(world.clock.now()) && seen.signed_in_on.is_none());

    world.clock.advance(12 * 60 * MINUTE);
    client.get("/api/Session").await.problem(401, "token-expired");
    assert!(!view(&owner, sari).await.is_signed_in);
}

#[tokio::test]
async fn a_wrong_pin_an_unknown_and_a_former_person_get_the_same_responses() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let former = add(&owner, "Budi", Role::Cashier, "1379").await;
    let left = json!({"name": "Budi", "role": "CASHIER", "isActive": false});
    owner.put(&format!("/api/Staff/{former}"), left).await.expect(200);
    let nobody = StaffId::new(world.clock.now());

    let guest = owner.anonymous();
    for attempt in 1..=6 {
        let wrong = sign_in(&guest, sari, "9999").await;
        for (who, pin) in [(nobody, "9999"), (former, "1379")] {
            let other = sign_in(&guest, who, pin).await;
            assert_eq!((other.status, &other.body), (wrong.status, &wrong.body), "attempt {attempt}");
        }
        wrong.expect(if attempt > 5 { 429 } else { 401 });
    }
    for malformed in ["123", "123456789", "12a4", "", "١٢٣٤"] {
        sign_in(&guest, sari, malformed).await.expect(422);
    }
}

#[tokio::test]
async fn every_fifth_wrong_pin_locks_and_each_lock_is_longer() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let guest = owner.anonymous();

    for minutes in [5, 15, 45, 135, 405, 720, 720] {
        for _ in 0..5 {
            sign_in(&guest, sari, "0000").await.problem(401, "wrong-pin");
        }
        let until = world.clock.now() + minutes * MINUTE;
        let locked = sign_in(&guest, sari, "1379").await;
        assert_eq!(locked.headers["retry-after"], (u64::from(minutes) * 60).to_string());
        assert_eq!(locked.problem(429, "staff-locked")["context"]["lockedUntil"], json!(until));
        assert_eq!(view(&owner, sari).await.locked_until, Some(until));
        world.clock.set(until);
    }
    assert_eq!(view(&owner, sari).await.failed_attempts, 35);
    sign_in(&guest, sari, "1379").await.expect(201);
    assert_eq!(view(&owner, sari).await.failed_attempts, 0);

    world.wait_until_idle().await;
    let locks = world.published::<ActAudited>().into_iter().filter(|act| act.0.action == "staff.locked");
    assert_eq!(locks.count(), 7);
}

#[tokio::test]
async fn a_lock_survives_a_restart() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    for _ in 0..5 {
        sign_in(&owner.anonymous(), sari, "0000").await.expect(401);
    }
    world.stop().await;

    let again = start_shop(&world).await;
    sign_in(&again.anonymous(), sari, "1379").await.problem(429, "staff-locked");
}

#[tokio::test]
async fn guesses_that_are_sent_at_once_lock_as_soon_as_others() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let guest = owner.anonymous();

    let guesses = (0..60).map(|guess| {
        let (guest, pin) = (guest.clone(), format!("{:04}", 2_000 + guess));
        async move { sign_in(&guest, sari, &pin).await.status.as_u16() }
    });
    let statuses = join_all(guesses).await;

    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!(count(401), 5, "{statuses:?}");
    assert_eq!(count(401) + count(429) + count(503), 60, "{statuses:?}");
    assert_eq!(view(&owner, sari).await.failed_attempts, 5);
}

#[tokio::test]
async fn ten_thousand_wrong_pins_change_nothing_but_the_lock() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let before = view(&owner, sari).await;
    let guest = owner.anonymous();
    let mut verified = 0;

    for round in 0..625_u32 {
        let guesses = (0..16_u32).map(|guess| {
            let (guest, pin) = (guest.clone(), format!("{:05}", round * 16 + guess));
            async move { sign_in(&guest, sari, &pin).await.status.as_u16() }
        });
        for status in join_all(guesses).await {
            assert!(status == 401 || status == 429, "{status}");
            verified += u32::from(status == 401);
        }
        world.clock.advance(10 * MINUTE);
    }

    // 625 rounds of ten minutes are 104 hours: five short locks and eight of twelve hours.
    assert!(verified <= 5 * 14, "{verified} PINs were verified");
    let after = view(&owner, sari).await;
    assert_eq!(after.failed_attempts, verified);
    assert_eq!(StaffView { failed_attempts: 0, locked_until: None, ..after }, before);
    world.clock.advance(12 * 60 * MINUTE);
    sign_in(&guest, sari, "1379").await.expect(201);
}

#[tokio::test]
async fn whoever_signs_in_on_a_tablet_takes_it_over() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let dimas = add(&owner, "Dimas", Role::Manager, "2468").await;
    let till = owner.with_token(&world.credentials.device(DeviceKind::Pos));
    let other = DeviceId::new(world.clock.now());
    let pos_2 =
        DeviceView { device_id: other, name: "POS 2".into(), ..testkit::device(DeviceKind::Pos, world.clock.now()) };
    world.credentials.pair(&pos_2);
    let other_till = owner.with_token(&world.credentials.device_token(other));

    let sari_at_till = signed_in(&till, sari, "1379").await;
    let sari_elsewhere = signed_in(&other_till, sari, "1379").await;
    assert_eq!(view(&owner, sari).await.signed_in_on.as_deref(), Some("POS 2"));
    let dimas_at_till = signed_in(&sari_at_till, dimas, "2468").await;

    sari_at_till.get("/api/Session").await.problem(401, "token-revoked");
    sari_elsewhere.get("/api/Session").await.expect(200);
    let session = dimas_at_till.get("/api/Session").await.expect(200);
    assert_eq!(session["deviceId"], json!(testkit::device_id(DeviceKind::Pos)));
    world.wait_until_idle().await;
    assert_eq!(world.published::<SessionEnded>().len(), 1);
}

#[tokio::test]
async fn a_sign_out_ends_the_session_and_may_be_repeated() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let client = signed_in(&owner.anonymous(), sari, "1379").await;

    for _ in 0..2 {
        let reply = client.delete("/api/Session").await;
        assert_eq!(reply.headers["set-cookie"], "fnb_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
        reply.expect(204);
        client.get("/api/Session").await.problem(401, "token-revoked");
    }
    owner.anonymous().delete("/api/Session").await.expect(204);
    world.wait_until_idle().await;
    assert_eq!(world.published::<SessionEnded>().len(), 1);
}

#[tokio::test]
async fn the_tiles_are_for_paired_tablets_and_staff() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    add(&owner, "Sari", Role::Cashier, "1379").await;
    add(&owner, "dimas", Role::Manager, "2468").await;

    let pos = world.credentials.device(DeviceKind::Pos);
    let kiosk = world.credentials.device(DeviceKind::Kiosk);
    let cashier = world.credentials.staff(Role::Cashier);
    let everyone: &[&str] = &["dimas", "Owner", "Sari"];
    for (token, expected) in [(pos, everyone), (cashier, everyone), (kiosk, &everyone[..2])] {
        let tiles: Vec<StaffTile> = owner.with_token(&token).get("/api/Session/staff").await.read(200);
        assert_eq!(tiles.iter().map(|tile| tile.name.as_str()).collect::<Vec<_>>(), expected);
    }
    owner.anonymous().get("/api/Session/staff").await.problem(401, "sign-in-required");
}

#[tokio::test]
async fn another_process_knows_the_key_and_refuses_sessions_that_ended() {
    let world = World::new().await;
    let other = ServiceContext { access: Access::new(world.clock.clone()), ..world.context().clone() };
    let other_host = ServiceHost::start(&other, Vec::new());
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let session: SignedIn = sign_in(&owner.anonymous(), sari, "1379").await.read(201);
    let client = owner.anonymous().with_token(&session.token);

    world.wait_until_idle().await;
    wait_for(|| other.access.caller(&session.token).is_ok()).await;
    client.delete("/api/Session").await.expect(204);
    world.wait_until_idle().await;
    wait_for(|| other.access.caller(&session.token).err() == Some(TokenError::Revoked)).await;
    other_host.stop().await;
}

/// Lets other tasks run until it is so.
async fn wait_for(is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("it becomes so within ten seconds");
}

#[tokio::test]
async fn after_a_restart_tokens_are_still_valid_and_ended_sessions_still_refused() {
    let world = World::new().await;
    let owner = start_shop(&world).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let stays: SignedIn = sign_in(&owner.anonymous(), sari, "1379").await.read(201);
    let ends: SignedIn = sign_in(&owner.anonymous(), sari, "1379").await.read(201);
    owner.anonymous().with_token(&ends.token).delete("/api/Session").await.expect(204);
    world.stop().await;

    let next = ServiceContext { access: Access::new(world.clock.clone()), ..world.context().clone() };
    crate::open_with_cost(&next, FirstStart::default(), PinCost::CHEAP).await.unwrap();

    assert_eq!(next.access.caller(&stays.token).unwrap().staff.unwrap().name, "Sari");
    assert_eq!(next.access.caller(&ends.token).unwrap_err(), TokenError::Revoked);
}

#[tokio::test]
async fn a_new_key_signs_from_now_on_and_the_old_one_stays_valid() {
    let world = World::new().await;
    let service = open(&world, FirstStart { owner_pin: Some(Pin::new("2580").unwrap()), is_demo: false }).await.service;
    let rotation = service.timers.iter().find(|timer| timer.name == "token key").unwrap().clone();
    let pruning = service.timers.iter().find(|timer| timer.name == "credentials").unwrap().clone();
    let owner = world.start(service).await;
    let sari = add(&owner, "Sari", Role::Cashier, "1379").await;
    let before: SignedIn = sign_in(&owner.anonymous(), sari, "1379").await.read(201);

    (rotation.run)().await.unwrap();
    let after: SignedIn = sign_in(&owner.anonymous(), sari, "1379").await.read(201);

    let key = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    assert_ne!(key(&before.token), key(&after.token));
    for token in [&before.token, &after.token] {
        owner.anonymous().with_token(token).get("/api/Session").await.expect(200);
    }
    world.wait_until_idle().await;
    assert_eq!(world.published::<contracts::event::TokenKeyAdded>().len(), 2);
    world.clock.advance(Duration::from_secs(200 * 24 * 60 * 60));
    (pruning.run)().await.unwrap();
    let db = world.context().databases.open_existing(crate::NAME).await.unwrap();
    let left = db.read::<_, db::DbError, _>(|tx| crate::store::token_keys::list_token_keys(tx, Timestamp(0))).await;
    assert_eq!(left.unwrap().len(), 0);
    db.close().await;
}
