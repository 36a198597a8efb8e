//! Devices: their pairing, letters, changes and revocation.

use std::{collections::BTreeSet, time::Duration};

use contracts::{
    audit::AuditArea,
    device::{DeviceKind, DevicePaired, DeviceView, PairingCodeView, PairingView},
    event::{ActAudited, DeviceChanged},
    staff::Role,
};

use super::*;

const TEN_MINUTES: Duration = Duration::from_secs(600);

async fn code_for(client: &Client, kind: &str, name: &str) -> String {
    let made = client.post("/api/Device/pairing", json!({ "kind": kind, "name": name })).await;
    made.read::<PairingCodeView>(200).code
}

async fn pair(client: &Client, kind: &str, name: &str) -> DevicePaired {
    let code = code_for(client, kind, name).await;
    client.anonymous().post("/api/Device/pair", json!({ "code": code })).await.read(201)
}

/// What the audit trail keeps of devices.
fn device_acts(world: &World) -> Vec<ActAudited> {
    let acts = world.published::<ActAudited>().into_iter();
    acts.filter(|act| act.0.area == AuditArea::Device).collect()
}

#[tokio::test]
async fn a_tablet_turns_a_code_into_its_own_token_once() {
    let world = World::new().await;
    let client = start(&world).await;
    let asked = Request::post("/api/Device/pairing")
        .header("content-type", "application/json")
        .header("host", "192.168.1.20:8443")
        .body(Body::from(json!({ "kind": "KIOSK", "name": "Kios 2", "place": "Pintu" }).to_string()));
    let made: PairingCodeView = client.send(asked.unwrap()).await.read(200);
    assert_eq!(made.url, format!("http://192.168.1.20:8443/pair?code={}", made.code));
    assert!(made.qr_svg.contains("<svg") && !made.qr_svg.contains(&made.code));

    let tablet = client.anonymous();
    let shown: PairingView = tablet.get(&format!("/api/Device/pairing/{}", made.code)).await.read(200);
    assert_eq!(
        (shown.name.as_str(), shown.letter.as_deref(), shown.created_by.as_str()),
        ("Kios 2", Some("A"), "Ratih")
    );

    let reply = tablet.post("/api/Device/pair", json!({ "code": made.code, "name": "Kios Pintu" })).await;
    let cookie = reply.headers["set-cookie"].to_str().unwrap().to_owned();
    let paired: DevicePaired = reply.read(201);
    let token = paired.token.unwrap();
    assert_eq!(cookie, format!("fnb_device={token}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Strict"));
    assert_eq!((paired.device.name.as_str(), paired.device.place.as_deref()), ("Kios Pintu", Some("Pintu")));
    let current: DeviceView = client.with_token(&token).get("/api/Device/current").await.read(200);
    assert_eq!(current, paired.device);

    tablet.post("/api/Device/pair", json!({ "code": made.code })).await.problem(409, "pairing-code-used");
    tablet.get(&format!("/api/Device/pairing/{}", made.code)).await.problem(404, "invalid-pairing-code");
    world.wait_until_idle().await;
    assert_eq!(world.published::<DeviceChanged>(), [DeviceChanged(paired.device)]);
    let acts = device_acts(&world);
    let actions: Vec<_> = acts.iter().map(|act| act.0.action.as_str()).collect();
    assert_eq!(actions, ["device.pairing_code_made", "device.paired"]);
    assert!(!acts[0].0.after.as_ref().unwrap().get().contains(&made.code), "the code is a secret");
    assert_eq!(acts[0].0.actor.staff, acts[1].0.actor.staff);
    assert_eq!(acts[0].0.actor.staff.as_ref().unwrap().name, "Ratih");
}

#[tokio::test]
async fn of_many_devices_that_use_a_code_at_once_one_is_paired() {
    let world = World::new().await;
    let client = start(&world).await;
    let code = code_for(&client, "POS", "Kasir").await;
    let uses = (0..8).map(|_| {
        let (client, body) = (client.anonymous(), json!({ "code": code }));
        tokio::spawn(async move { client.post("/api/Device/pair", body).await.status.as_u16() })
    });
    let mut paired = 0;
    for used in uses.collect::<Vec<_>>() {
        paired += u32::from(used.await.unwrap() == 201);
    }
    assert_eq!(paired, 1);
    assert_eq!(client.get("/api/Device").await.read::<Vec<DeviceView>>(200).len(), 1);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let world = World::new().await;
    let client = start(&world).await;
    let code = code_for(&client, "POS", "Kasir").await;
    world.clock.advance(TEN_MINUTES);
    client.anonymous().post("/api/Device/pair", json!({ "code": code })).await.problem(404, "invalid-pairing-code");
    assert_eq!(client.get("/api/Device").await.expect(200), json!([]));
}

#[tokio::test]
async fn ten_thousand_guesses_find_no_code_and_are_stopped_after_a_few() {
    let world = World::new().await;
    let client = start(&world).await;
    let code = code_for(&client, "POS", "Kasir").await;
    let stranger = client.anonymous();
    let mut looked_up = 0;
    for guess in 0..10_000_u32 {
        let reply = stranger.post("/api/Device/pair", json!({ "code": format!("{guess:08}") })).await;
        match reply.status.as_u16() {
            404 => looked_up += 1,
            429 => assert!(reply.headers.contains_key("retry-after")),
            other => panic!("{other}"),
        }
    }
    assert_eq!(looked_up, 10);
    let refused = stranger.post("/api/Device/pair", json!({ "code": code })).await;
    refused.problem(429, "too-many-attempts");
    world.clock.advance(Duration::from_secs(60));
    stranger.post("/api/Device/pair", json!({ "code": code })).await.expect(201);
}

#[tokio::test]
async fn twenty_codes_may_wait_to_be_used_and_no_more() {
    let world = World::new().await;
    let client = start(&world).await;
    for number in 0..20 {
        code_for(&client, "POS", &format!("Kasir {number}")).await;
    }
    let body = json!({ "kind": "POS", "name": "Kasir" });
    client.post("/api/Device/pairing", &body).await.problem(409, "too-many-pairing-codes");
    world.clock.advance(TEN_MINUTES);
    client.post("/api/Device/pairing", &body).await.expect(200);
}

#[tokio::test]
async fn devices_that_are_paired_at_once_get_different_letters() {
    let world = World::new().await;
    let client = start(&world).await;
    let mut codes = Vec::new();
    for number in 0..9 {
        codes.push(code_for(&client, "POS", &format!("Kasir {number}")).await);
    }
    let pairings = codes.into_iter().map(|code| {
        let client = client.anonymous();
        tokio::spawn(async move { client.post("/api/Device/pair", json!({ "code": code })).await })
    });
    let mut letters = BTreeSet::new();
    for pairing in pairings.collect::<Vec<_>>() {
        let paired: DevicePaired = pairing.await.unwrap().read(201);
        letters.insert(paired.device.letter.unwrap());
    }
    assert_eq!(Vec::from_iter(letters).concat(), "ABCDEFGHI");
}

#[tokio::test]
async fn a_revoked_device_is_refused_at_once_and_its_letter_is_free() {
    let world = World::new().await;
    let client = start(&world).await;
    let lost = pair(&client, "KIOSK", "Kios 1").await;
    let tablet = client.with_token(&lost.token.unwrap());
    tablet.get("/api/Device/current").await.expect(200);

    let path = format!("/api/Device/{}/revoke", lost.device.device_id);
    client.post(&path, json!({ "reason": "" })).await.problem(422, "invalid");
    let revoked: DeviceView = client.post(&path, json!({ "reason": "hilang" })).await.read(200);
    assert_eq!((revoked.revoke_reason.as_deref(), revoked.version), (Some("hilang"), 2));
    tablet.get("/api/Device/current").await.problem(401, "token-revoked");
    let again: DeviceView = client.post(&path, json!({ "reason": "dua kali" })).await.read(200);
    assert_eq!(again, revoked);

    let write = json!({ "name": "Kios" });
    client.put(&format!("/api/Device/{}", revoked.device_id), write).await.problem(409, "device-revoked");
    assert_eq!(pair(&client, "KIOSK", "Kios 2").await.device.letter.as_deref(), Some("A"));
    let listed: Vec<DeviceView> = client.get("/api/Device").await.read(200);
    assert_eq!((listed[0].name.as_str(), listed[1].name.as_str()), ("Kios 2", "Kios 1"));
    world.wait_until_idle().await;
    let actions = device_acts(&world).into_iter().map(|act| act.0.action);
    let of_devices = actions.filter(|action| action != "device.pairing_code_made");
    assert_eq!(Vec::from_iter(of_devices), ["device.paired", "device.revoked", "device.paired"]);
}

#[tokio::test]
async fn a_lost_tablet_is_replaced_by_one_with_its_name_and_letter() {
    let world = World::new().await;
    let client = start(&world).await;
    let lost = pair(&client, "POS", "Kasir 1").await;
    pair(&client, "POS", "Kasir 2").await;
    let path = format!("/api/Device/{}/pairing-code", lost.device.device_id);
    let made: PairingCodeView = client.post(&path, json!({})).await.read(200);
    client.with_token(lost.token.as_ref().unwrap()).get("/api/Device/current").await.expect(200);

    let new: DevicePaired = client.anonymous().post("/api/Device/pair", json!({ "code": made.code })).await.read(201);
    assert_eq!((new.device.name.as_str(), new.device.letter.as_deref()), ("Kasir 1", Some("A")));
    assert_ne!(new.device.device_id, lost.device.device_id);
    let former = client.with_token(lost.token.as_ref().unwrap());
    former.get("/api/Device/current").await.problem(401, "token-revoked");
    client.with_token(new.token.as_ref().unwrap()).get("/api/Device/current").await.expect(200);
}

#[tokio::test]
async fn a_dispenser_that_is_paired_again_has_its_id_and_another_key() {
    let world = World::new().await;
    let client = start(&world).await;
    let first = pair(&client, "DISPENSER", "Mesin 1").await;
    assert_eq!((first.token, first.device.letter.clone(), first.device.ml_per_second), (None, None, Some(30)));
    let device_id = first.device.device_id;
    let write = json!({ "name": "Mesin 1", "isBearerAllowed": true, "mlPerSecond": 25 });
    client.put(&format!("/api/Device/{device_id}"), write).await.expect(200);
    let as_device = |key: &str| client.with_token(&format!("{device_id}.{key}"));
    as_device(first.signing_key.as_ref().unwrap()).get("/api/Device/current").await.expect(200);

    let made: PairingCodeView =
        client.post(&format!("/api/Device/{device_id}/pairing-code"), json!({})).await.read(200);
    let again: DevicePaired = client.anonymous().post("/api/Device/pair", json!({ "code": made.code })).await.read(201);
    assert_eq!((again.device.device_id, again.device.ml_per_second), (device_id, Some(25)));
    assert_eq!((first.device.key_version, again.device.key_version), (1, 2));
    assert!(!again.device.is_bearer_allowed, "the new key was not allowed to travel in the open");
    let key = again.signing_key.as_ref().unwrap();
    as_device(key).get("/api/Device/current").await.problem(401, "token-revoked");
    let write = json!({ "name": "Mesin 1", "isBearerAllowed": true });
    client.put(&format!("/api/Device/{device_id}"), write).await.expect(200);
    as_device(first.signing_key.as_ref().unwrap()).get("/api/Device/current").await.problem(401, "invalid-token");
    as_device(key).get("/api/Device/current").await.expect(200);
}

#[tokio::test]
async fn devices_are_known_after_a_restart() {
    let world = World::new().await;
    let client = start(&world).await;
    let machine = pair(&client, "DISPENSER", "Mesin 1").await.device;
    world.stop().await;
    let fresh = World::new().await;
    let context = host::ServiceContext { databases: world.context().databases.clone(), ..fresh.context().clone() };
    fresh.start(crate::open_with_cost(&context, FirstStart::default(), PinCost::CHEAP).await.unwrap().service).await;
    let known = fresh.context().access.device(machine.device_id).unwrap();
    assert!(known.signing_key.is_some() && known.kind == DeviceKind::Dispenser);
}

#[tokio::test]
async fn an_old_event_after_a_restart_does_not_bring_a_revoked_device_back() {
    let world = World::new().await;
    let client = start(&world).await;
    let lost = pair(&client, "KIOSK", "Kios").await;
    let path = format!("/api/Device/{}/revoke", lost.device.device_id);
    client.post(&path, json!({ "reason": "hilang" })).await.expect(200);
    world.stop().await;

    let fresh = World::new().await;
    let context = host::ServiceContext { databases: world.context().databases.clone(), ..fresh.context().clone() };
    let client = fresh
        .start(crate::open_with_cost(&context, FirstStart::default(), PinCost::CHEAP).await.unwrap().service)
        .await;
    fresh.publish(&DeviceChanged(lost.device)).await;
    fresh.wait_until_idle().await;
    let tablet = client.with_token(&lost.token.unwrap());
    tablet.get("/api/Device/current").await.problem(401, "token-revoked");
}

#[tokio::test]
async fn changes_that_were_missed_are_read_again_from_the_database() {
    let world = World::new().await;
    let service = open(&world, FirstStart::default()).await.service;
    let timer = service.timers.iter().find(|timer| timer.name == "reload credentials").unwrap().clone();
    let db = service.db.clone();
    let client = world.start(service).await;
    let lost = pair(&client, "KIOSK", "Kios").await;
    let tablet = client.with_token(&lost.token.unwrap());
    // Beside the process, and its event is lost.
    let revoke = "UPDATE devices SET revoked_at = 1800000000000000, version = version + 1 WHERE device_id = $1";
    let device_id = lost.device.device_id;
    db.write::<_, db::DbError, _>(move |tx| tx.execute(revoke, (device_id,))).await.unwrap();
    (timer.run)().await.unwrap();
    tablet.get("/api/Device/current").await.expect(200);
    world.context().access.request_reload();
    (timer.run)().await.unwrap();
    tablet.get("/api/Device/current").await.problem(401, "token-revoked");
}

#[tokio::test]
async fn a_reset_beside_a_running_shop_ends_every_token_and_no_new_one() {
    let world = World::new().await;
    let service = open(&world, FirstStart::default()).await.service;
    let timer = service.timers.iter().find(|timer| timer.name == "reload credentials").unwrap().clone();
    let db = service.db.clone();
    let client = world.start(service).await;
    let tablet = client.with_token(&pair(&client, "KIOSK", "Kios").await.token.unwrap());
    tablet.get("/api/Device/current").await.expect(200);

    assert_eq!(crate::reset_credentials(&db, world.clock.now()).await.unwrap(), 1);
    (timer.run)().await.unwrap();
    tablet.get("/api/Device/current").await.problem(401, "token-revoked");
    for event in world.published_events() {
        world.context().bus.publish(event).await.unwrap();
    }
    world.wait_until_idle().await;
    tablet.get("/api/Device/current").await.problem(401, "token-revoked");
    let again = client.with_token(&pair(&client, "KIOSK", "Kios 2").await.token.unwrap());
    again.get("/api/Device/current").await.expect(200);
    let act = device_acts(&world).into_iter().find(|act| act.0.action == "credentials.reset").unwrap();
    assert_eq!(act.0.actor, contracts::audit::Actor::terminal());
}

#[tokio::test]
async fn two_devices_in_use_never_have_one_name() {
    let world = World::new().await;
    let client = start(&world).await;
    let till = pair(&client, "POS", "POS 1").await.device;
    let kiosk = pair(&client, "KIOSK", "Kios").await.device;
    let asked = client.post("/api/Device/pairing", json!({ "kind": "KIOSK", "name": " pos 1 " })).await;
    asked.problem(409, "name-taken");
    let code = code_for(&client, "KIOSK", "Kios 2").await;
    let stranger = client.anonymous();
    stranger.post("/api/Device/pair", json!({ "code": code, "name": "Pos 1" })).await.problem(409, "name-taken");
    stranger.post("/api/Device/pair", json!({ "code": code })).await.expect(201);
    let path = format!("/api/Device/{}", kiosk.device_id);
    client.put(&path, json!({ "name": "KIOS 2" })).await.problem(409, "name-taken");
    client.put(&path, json!({ "name": "KIOS" })).await.expect(200);

    let revoke = format!("/api/Device/{}/revoke", till.device_id);
    client.post(&revoke, json!({ "reason": "rusak" })).await.expect(200);
    pair(&client, "POS", "POS 1").await;
}

#[tokio::test]
async fn a_device_whose_response_was_lost_is_paired_by_the_same_request_again() {
    let world = World::new().await;
    let client = start(&world).await;
    let stranger = client.anonymous();
    let send = |code: &str, key: &str| {
        let request = Request::post("/api/Device/pair")
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(json!({ "code": code }).to_string()))
            .unwrap();
        let stranger = stranger.clone();
        async move { stranger.send(request).await }
    };
    let code = code_for(&client, "KIOSK", "Kios").await;
    let lost: DevicePaired = send(&code, "mine").await.read(201);
    send(&code, "another").await.problem(409, "pairing-code-used");
    let again: DevicePaired = send(&code, "mine").await.read(201);
    assert_eq!(again.device, lost.device);
    client.with_token(&again.token.unwrap()).get("/api/Device/current").await.expect(200);
    assert_eq!(client.get("/api/Device").await.read::<Vec<DeviceView>>(200).len(), 1);

    let machine = code_for(&client, "DISPENSER", "Mesin").await;
    let lost: DevicePaired = send(&machine, "mine").await.read(201);
    let again: DevicePaired = send(&machine, "mine").await.read(201);
    assert_eq!((again.device, again.signing_key), (lost.device, lost.signing_key));

    let path = format!("/api/Device/{}/revoke", first_id(&client).await);
    client.post(&path, json!({ "reason": "hilang" })).await.expect(200);
    send(&code, "mine").await.problem(409, "pairing-code-used");
    world.clock.advance(TEN_MINUTES);
    send(&machine, "mine").await.problem(404, "invalid-pairing-code");
}

/// The id of the device that was paired first.
async fn first_id(client: &Client) -> contracts::ids::DeviceId {
    client.get("/api/Device").await.read::<Vec<DeviceView>>(200)[0].device_id
}

#[tokio::test]
async fn an_owner_changes_a_device_unless_somebody_else_just_did() {
    let world = World::new().await;
    let client = start(&world).await;
    let machine = pair(&client, "DISPENSER", "Mesin 1").await.device;
    let till = pair(&client, "POS", "Kasir").await.device;
    let path = format!("/api/Device/{}", machine.device_id);
    let put = |version: &str, body: Value| {
        let request = Request::put(&path).header("content-type", "application/json").header("if-match", version);
        client.send(request.body(Body::from(body.to_string())).unwrap())
    };
    let reply = put("\"1\"", json!({ "name": "Mesin Depan", "place": "Bar", "mlPerSecond": 28 })).await;
    assert_eq!(reply.headers["etag"], "\"2\"");
    let changed: DeviceView = reply.read(200);
    assert_eq!((changed.name.as_str(), changed.ml_per_second), ("Mesin Depan", Some(28)));
    put("\"1\"", json!({ "name": "Lain" })).await.problem(412, "device-changed-meanwhile");
    for wrong in [json!({ "name": " " }), json!({ "name": "x", "mlPerSecond": 0 }), json!({ "name": "\u{7}" })] {
        put("\"2\"", wrong).await.problem(422, "invalid");
    }
    let pump = json!({ "name": "Kasir", "mlPerSecond": 30 });
    client.put(&format!("/api/Device/{}", till.device_id), pump).await.problem(422, "invalid");
    assert_eq!(world.context().access.device(machine.device_id).unwrap().name, "Mesin Depan");
    world.wait_until_idle().await;
    let change = world.published::<ActAudited>().pop().unwrap().0;
    assert_eq!(change.before.unwrap().get(), r#"{"mlPerSecond":30,"name":"Mesin 1"}"#);
}

#[tokio::test]
async fn a_tablet_renews_its_token_and_a_dispenser_has_none() {
    let world = World::new().await;
    let client = start(&world).await;
    let paired = pair(&client, "KIOSK", "Kios").await;
    let tablet = client.with_token(&paired.token.unwrap());
    world.clock.advance(Duration::from_secs(100 * 86_400));
    let reply = tablet.post("/api/Device/current/token", json!({})).await;
    assert!(reply.headers.contains_key("set-cookie"));
    let renewed = reply.expect(200);
    client.with_token(renewed["token"].as_str().unwrap()).get("/api/Device/current").await.expect(200);
    client.anonymous().post("/api/Device/current/token", json!({})).await.problem(401, "sign-in-required");
}

#[tokio::test]
async fn the_list_shows_when_a_device_called_last() {
    let world = World::new().await;
    let service = open(&world, FirstStart::default()).await.service;
    let timer = service.timers.iter().find(|timer| timer.name == "record when devices called").unwrap().clone();
    let client = world.start(service).await;
    let paired = pair(&client, "KIOSK", "Kios").await;
    assert_eq!(paired.device.last_seen_at, None);
    client.with_token(&paired.token.unwrap()).get("/api/Device/current").await.expect(200);
    (timer.run)().await.unwrap();
    let path = format!("/api/Device/{}", paired.device.device_id);
    let seen: DeviceView = client.get(&path).await.read(200);
    assert_eq!((seen.last_seen_at, seen.version), (Some(world.clock.now()), 1));
}

#[tokio::test]
async fn only_owners_pair_and_revoke_and_managers_read() {
    let world = World::new().await;
    let client = start(&world).await;
    let manager = client.with_token(&world.credentials.staff(Role::Manager));
    manager.get("/api/Device").await.expect(200);
    let body = json!({ "kind": "POS", "name": "Kasir" });
    manager.post("/api/Device/pairing", &body).await.problem(403, "forbidden");
    let cashier = client.with_token(&world.credentials.staff(Role::Cashier));
    cashier.get("/api/Device").await.problem(403, "forbidden");
}

#[tokio::test]
async fn guesses_count_for_their_network_and_do_not_keep_the_machine_itself_from_pairing() {
    let world = World::new().await;
    let owner = start(&world).await;
    let (code, client) = (code_for(&owner, "POS", "Kasir").await, owner.anonymous());
    let send_from = |address: &str, code: &str| {
        let peer = web::Peer { address: format!("{address}:40000").parse().unwrap(), is_encrypted: true };
        let body = Body::from(json!({ "code": code }).to_string());
        let request = Request::post("/api/Device/pair").header("content-type", "application/json");
        let (client, request) = (client.clone(), request.extension(peer).body(body).unwrap());
        async move { client.send(request).await }
    };
    for guess in 0..10 {
        let address = format!("[2001:db8:1:2::{guess}]");
        send_from(&address, "00000000").await.problem(404, "invalid-pairing-code");
    }
    send_from("[2001:db8:1:2:ffff::1]", "00000000").await.problem(429, "too-many-attempts");
    for guess in 0..20 {
        let address = format!("192.168.1.{}", 10 + guess % 2);
        send_from(&address, "00000000").await.problem(404, "invalid-pairing-code");
    }
    send_from("192.168.1.20", &code).await.problem(429, "too-many-attempts");
    send_from("127.0.0.1", &code).await.expect(201);
}
