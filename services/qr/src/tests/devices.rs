//! Which journal of a device is current, what each device pours and how fast, and the numbers of its requests.

use access::{SigningKey, signature};
use axum::{body::Body, http::Request};
use contracts::{
    event::{ActAudited, DeviceChanged},
    qr::{CodeStatus, HeartbeatResponse, MachineView, RefusalReason},
    staff::{ApprovableAction, Role},
};

use super::*;

async fn heartbeat(bar: &Bar, device: &str, epoch: &str, seen_grants: i64) -> HeartbeatResponse {
    let body = json!({ "deviceId": device, "journalEpoch": epoch, "openDispenses": [], "seenGrants": seen_grants });
    bar.post("/api/QrCode/heartbeat", body).await.read(200)
}

#[tokio::test]
async fn one_request_of_another_journal_does_not_lock_a_device_out() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    let grant = bar.scan(&cups[0], "seven", "one").await;

    assert!(!heartbeat(&bar, "seven", "made-up", 0).await.confirmed);
    let scan = bar.post("/api/QrCode/validate", scan_of(&cups[1], "seven", "two", "also-made-up")).await;
    let _ = scan.problem(409, "journal-not-current");

    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Leased, "the device may be pouring");
    bar.report(&cups[0], &grant, "completed", 8000).await.expect(200);
    assert!(bar.scan(&cups[1], "seven", "two").await.valid);
}

#[tokio::test]
async fn a_journal_becomes_current_once_its_second_heartbeat_echoes_the_grants() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    bar.scan(&cups[0], "seven", "one").await;

    let first = heartbeat(&bar, "seven", "epoch-2", 0).await;
    assert!(!heartbeat(&bar, "seven", "epoch-2", 0).await.confirmed, "a delayed copy of the first one");
    assert!(!heartbeat(&bar, "seven", "epoch-2", first.grants + 1).await.confirmed, "a guess");
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Leased);
    assert!(heartbeat(&bar, "seven", "epoch-2", first.grants).await.confirmed);
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Review);
    assert!(bar.validate(scan_of(&cups[1], "seven", "two", "epoch-2")).await.valid);
}

#[tokio::test]
async fn a_delayed_request_of_a_former_journal_changes_nothing() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    let old = heartbeat(&bar, "seven", "epoch-1", 0).await;
    let new = heartbeat(&bar, "seven", "epoch-2", 0).await;
    heartbeat(&bar, "seven", "epoch-2", new.grants).await;
    assert!(bar.validate(scan_of(&cups[0], "seven", "two", "epoch-2")).await.valid);

    let late = bar.post("/api/QrCode/validate", scan_of(&cups[1], "seven", "one", "epoch-1")).await;
    let _ = late.problem(409, "journal-not-current");
    for seen_grants in [0, old.grants, new.grants] {
        assert!(!heartbeat(&bar, "seven", "epoch-1", seen_grants).await.confirmed);
    }
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Leased);
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Active);
}

#[tokio::test]
async fn a_journal_that_another_one_displaced_takes_its_place_back() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    heartbeat(&bar, "seven", "epoch-1", 0).await;
    let strange = heartbeat(&bar, "seven", "made-up", 0).await;
    assert!(heartbeat(&bar, "seven", "made-up", strange.grants).await.confirmed);

    let answer = heartbeat(&bar, "seven", "epoch-1", 0).await;
    assert!(heartbeat(&bar, "seven", "epoch-1", answer.grants).await.confirmed);
    assert!(bar.scan(&cup, "seven", "one").await.valid);
}

/// A dispenser of this name, as the gateway publishes it.
fn dispenser(bar: &Bar, name: &str, version: i64) -> DeviceView {
    let dispenser = testkit::device(DeviceKind::Dispenser, bar.now());
    DeviceView { device_id: device_id(name), name: name.into(), version, ..dispenser }
}

#[tokio::test]
async fn a_code_that_a_machine_does_not_pour_stays_valid_for_one_that_does() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let tea = DeviceView { products: vec![ProductId::new(bar.now())], ..dispenser(&bar, "tea", 1) };
    let milk = DeviceView { products: vec![cup.product_id], place: Some("Pintu".into()), ..dispenser(&bar, "milk", 1) };
    bar.world.credentials.pair(&tea);
    bar.world.publish(&DeviceChanged(milk)).await;

    for body in [scan_of(&cup, "tea", "one", "e"), json!({ "code": cup.code, "deviceId": "tea" })] {
        let refused = bar.validate(body).await;
        assert_eq!((refused.valid, refused.reason), (false, Some(RefusalReason::WrongMachine)));
        assert_eq!(refused.machine, Some(MachineView { name: "milk".into(), place: Some("Pintu".into()) }));
    }
    assert_eq!(bar.status(&cup).await, CodeStatus::Active);
    assert!(bar.scan(&cup, "milk", "one").await.valid);
}

#[tokio::test]
async fn the_pump_of_each_machine_runs_at_its_own_rate() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(4).await;
    bar.world.credentials.pair(&DeviceView { ml_per_second: Some(60), ..dispenser(&bar, "fast", 2) });
    let seconds = async |cup| bar.scan(cup, "fast", "one").await.dispense_duration.unwrap().millis;
    assert_eq!(seconds(&cups[0]).await, 4000, "as its credential says, before any event");
    let slow =
        |version, rate| DeviceChanged(DeviceView { ml_per_second: Some(rate), ..dispenser(&bar, "fast", version) });
    bar.world.publish(&slow(3, 24)).await;
    assert_eq!(seconds(&cups[1]).await, 10_000);
    bar.world.publish(&slow(1, 99)).await;
    assert_eq!(seconds(&cups[2]).await, 10_000, "an event that is late changes nothing");
    let simple = bar.validate(json!({ "code": cups[3].code, "deviceId": "fast" })).await;
    assert_eq!(simple.dispense_duration.unwrap().millis, 10_000);
}

#[tokio::test]
async fn who_hands_a_drink_over_by_hand_is_in_the_audit_trail_and_machines_are_not() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    assert!(bar.validate(json!({ "code": cups[0].code, "deviceId": "seven" })).await.valid);
    assert!(bar.validate(json!({ "code": cups[1].code })).await.valid);
    bar.world.wait_until_idle().await;
    let acts: Vec<ActAudited> = bar.world.published();
    assert_eq!(acts.len(), 1);
    let act = &acts[0].0;
    assert_eq!((act.action.as_str(), &act.subject, act.label.as_str()), ("code.redeemed", &cups[1].code, "Latte"));
    assert_eq!(act.actor.staff.as_ref().unwrap().name, "Ratih");
    assert_eq!(act.after.as_ref().unwrap().get(), r#"{"status":"USED"}"#);
}

#[tokio::test]
async fn a_cashier_resolves_and_reissues_with_a_managers_approval_of_that_code_or_order() {
    let bar = Bar::open().await;
    let cup = bar.cup_in_review().await;
    let credentials = &bar.world.credentials;
    let cashier = bar.client.with_token(&credentials.staff(Role::Cashier));
    let (path, body) = (format!("/api/QrCode/{}/resolve", cup.code), json!({ "decision": "not_poured" }));
    cashier.post(&path, &body).await.problem(403, "approval-required");
    let of_another = credentials.approval(ApprovableAction::ResolveCode, "QR-20261122-0000000000000000");
    cashier.with_approval(&of_another).post(&path, &body).await.problem(403, "approval-required");
    assert_eq!(bar.status(&cup).await, CodeStatus::Review);
    let approval = credentials.approval(ApprovableAction::ResolveCode, &cup.code);
    cashier.with_approval(&approval).post(&path, &body).await.expect(200);
    cashier.with_approval(&approval).post(&path, &body).await.problem(403, "approval-used");

    let body = json!({ "orderId": cup.order_id, "codes": [cup.code] });
    cashier.post("/api/QrCode/generate", &body).await.problem(403, "approval-required");
    let approval = credentials.approval(ApprovableAction::ReissueCodes, cup.order_id);
    let approved = cashier.with_approval(&approval);
    let first = approved.post_with_key("/api/QrCode/generate", "k1", &body).await.expect(200);
    assert_eq!(approved.post_with_key("/api/QrCode/generate", "k1", &body).await.expect(200), first);
    approved.post("/api/QrCode/generate", &body).await.problem(403, "approval-used");

    bar.world.wait_until_idle().await;
    let acts = bar.world.published::<ActAudited>();
    let of: Vec<_> = acts.iter().map(|act| (act.0.action.as_str(), act.0.subject.as_str())).collect();
    assert_eq!(of, [("code.resolved_not_poured", cup.code.as_str()), ("code.reissued", cup.code.as_str())]);
    assert!(acts.iter().all(|act| act.0.actor.approved_by.as_ref().unwrap().name == "Dimas"));
}

/// A signed scan of a code alone.
fn signed(key: &SigningKey, name: &str, sequence: u64, code: &str) -> Request<Body> {
    let request = Request::post("/api/QrCode/validate").header("content-type", "application/json");
    let mut request = request.body(json!({ "code": code }).to_string()).unwrap();
    signature::sign_request(&mut request, key, device_id(name), sequence).unwrap();
    request.map(Body::from)
}

#[tokio::test]
async fn a_copy_of_a_signed_request_and_an_older_one_change_nothing() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(3).await;
    bar.device("seven");
    let known = bar.world.context().access.device(device_id("seven")).unwrap();
    let key = known.signing_key.clone().unwrap();
    let client = bar.client.anonymous();
    let send = |sequence, cup: &CodeView| {
        let (client, request) = (client.clone(), signed(&key, "seven", sequence, &cup.code));
        async move { client.send(request).await }
    };

    assert_eq!(send(7, &cups[0]).await.expect(200)["valid"], true);
    for sequence in [7, 6, 1] {
        let refused = send(sequence, &cups[1]).await.problem(401, "sequence-not-newer");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.ends_with("Number every request higher than the one before: continue at 8."), "{refused}");
    }
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Active);
    let (one, other) = tokio::join!(send(9, &cups[1]), send(9, &cups[2]));
    assert_eq!([one.status.as_u16(), other.status.as_u16()].iter().sum::<u16>(), 200 + 401);
}

#[tokio::test]
async fn a_dispenser_with_a_newer_key_counts_from_one_again_and_the_old_key_is_refused() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(3).await;
    bar.device("seven");
    let access = &bar.world.context().access;
    let key = || access.device(device_id("seven")).unwrap().signing_key.clone().unwrap();
    let client = bar.client.anonymous();
    let former = key();
    client.send(signed(&former, "seven", 41, &cups[0].code)).await.expect(200);

    let again = DeviceView { key_version: 2, ..dispenser(&bar, "seven", 2) };
    bar.world.credentials.pair(&again);
    client.send(signed(&key(), "seven", 1, &cups[1].code)).await.expect(200);
    client.send(signed(&former, "seven", 42, &cups[2].code)).await.problem(401, "invalid-signature");
    client.send(signed(&key(), "seven", 1, &cups[2].code)).await.problem(401, "sequence-not-newer");
    // The event of the newer key comes late, and that of the old one later still.
    bar.world.publish(&DeviceChanged(again)).await;
    bar.world.publish(&DeviceChanged(dispenser(&bar, "seven", 1))).await;
    bar.world.wait_until_idle().await;
    client.send(signed(&key(), "seven", 1, &cups[2].code)).await.problem(401, "sequence-not-newer");
    client.send(signed(&key(), "seven", 2, &cups[2].code)).await.expect(200);
}

#[tokio::test]
async fn a_copy_of_a_signed_request_does_not_make_a_dispenser_look_alive() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(1).await;
    bar.device("seven");
    let access = &bar.world.context().access;
    let key = access.device(device_id("seven")).unwrap().signing_key.clone().unwrap();
    let client = bar.client.anonymous();
    let send = || client.send(signed(&key, "seven", 7, &cups[0].code));
    let _earlier = access.take_seen();
    send().await.expect(200);
    assert_eq!(access.take_seen(), [(device_id("seven"), bar.now())]);
    send().await.problem(401, "sequence-not-newer");
    assert_eq!(access.take_seen(), []);
}
