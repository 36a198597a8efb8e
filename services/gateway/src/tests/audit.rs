use std::{collections::BTreeSet, time::Duration};

use contracts::{
    audit::{Actor, AuditArea, AuditEntry, AuditFault, AuditVerification},
    device::{DeviceKind, DeviceRef},
    event::ActAudited,
    ids::EventId,
    staff::Role,
};
use db::{Db, DbError, Tx, inbox::Delivery};
use testkit::{device_id, staff};

use super::*;
use crate::commands::AuditTrail;

/// What a cashier does at the till. It happens `number` seconds after the start of the world.
fn act(world: &World, number: u64) -> AuditEntry {
    let device = DeviceRef { device_id: device_id(DeviceKind::Pos), name: "POS 1".into() };
    let actor = Actor { staff: Some(staff(Role::Cashier)), device: Some(device), ..Actor::default() };
    let at = world.clock.now() + Duration::from_secs(number);
    AuditEntry::new(
        actor,
        AuditArea::Menu,
        "product.changed",
        format!("product-{number}"),
        format!("Latte {number}"),
        at,
    )
}

/// A gateway with `entries` entries in its trail. The first is the owner's, who was added at the first start.
async fn start_with(world: &World, entries: u64) -> Client {
    let client = start(world).await;
    world.wait_until_idle().await;
    for number in 2..=entries {
        world.publish(&ActAudited(act(world, number))).await;
        world.wait_until_idle().await;
    }
    client
}

async fn verify(client: &Client) -> AuditVerification {
    client.get("/api/Audit/verification").await.read(200)
}

async fn labels(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/api/Audit?{query}")).await.expect(200);
    let label = |row: &Value| row["entry"]["label"].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(label).collect()
}

async fn tamper(world: &World, statements: &'static [&'static str]) {
    let db = world.context().databases.open_existing(crate::NAME).await.unwrap();
    let execute = |tx: &mut Tx<'_>| statements.iter().try_for_each(|sql| tx.execute(sql, ()).map(drop));
    db.write::<_, DbError, _>(execute).await.unwrap();
    db.close().await;
}

async fn open_db(world: &World) -> Db {
    world.context().databases.open(&crate::SCHEMA).await.unwrap()
}

#[tokio::test]
async fn events_that_arrive_twice_and_in_any_order_give_each_act_once() {
    let world = World::new().await;
    let client = start_with(&world, 12).await;

    world.redeliver_all_shuffled(7).await;
    world.redeliver_all_shuffled(8).await;

    let listed = labels(&client, "").await;
    assert_eq!(listed.len(), 12);
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), 12);
    let verified = verify(&client).await;
    assert_eq!((verified.entries, verified.head_sequence, verified.is_intact), (12, 12, true));
}

#[tokio::test]
async fn acts_at_the_same_instant_follow_one_another_without_gaps() {
    let world = World::new().await;
    let client = start_with(&world, 1).await;
    let db = open_db(&world).await;
    let trail = AuditTrail::new(db.clone(), world.context());
    let events: Vec<EventId> = (0..24).map(|_| EventId::new(world.clock.now())).collect();

    let twice = events.iter().chain(&events).zip(1..);
    let records = twice.map(|(event_id, number)| {
        trail.record_act(Delivery { consumer: "test", event_id: *event_id }, act(&world, number))
    });
    for recorded in futures::future::join_all(records).await {
        recorded.unwrap();
    }

    let verified = verify(&client).await;
    assert_eq!((verified.entries, verified.head_sequence, verified.first_broken), (25, 25, None));
    db.close().await;
}

#[tokio::test]
async fn an_entry_that_was_changed_removed_moved_or_added_is_found() {
    const COPY: &str = "
        INSERT INTO audit_log (sequence, entry, previous_hash, hash, acted_at, area, action, subject, search_text)
        SELECT 7, entry, previous_hash, hash, acted_at, area, action, subject, search_text
          FROM audit_log WHERE sequence = 6";
    let cases: [(&[&str], i64, AuditFault); 6] = [
        (&["UPDATE audit_log SET entry = REPLACE(entry, 'Latte', 'Mocha') WHERE sequence = 3"], 3, AuditFault::Changed),
        (&["UPDATE audit_log SET staff_id = NULL WHERE sequence = 3"], 3, AuditFault::ColumnsDiffer),
        (&["DELETE FROM audit_log WHERE sequence = 3"], 3, AuditFault::Missing),
        (&["DELETE FROM audit_log WHERE sequence > 4"], 5, AuditFault::Missing),
        (
            &[
                "UPDATE audit_log SET sequence = 100 WHERE sequence = 3",
                "UPDATE audit_log SET sequence = 3 WHERE sequence = 4",
                "UPDATE audit_log SET sequence = 4 WHERE sequence = 100",
            ],
            3,
            AuditFault::NotChained,
        ),
        (&[COPY], 7, AuditFault::AfterHead),
    ];
    for (statements, sequence, fault) in cases {
        let world = World::new().await;
        let client = start_with(&world, 6).await;
        tamper(&world, statements).await;

        let verified = verify(&client).await;

        assert!(!verified.is_intact);
        let broken = verified.first_broken.unwrap();
        assert_eq!((broken.sequence, broken.fault), (sequence, fault), "{statements:?}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_longer_json_hides_no_other_entry() {
    let world = World::new().await;
    let client = start_with(&world, 2).await;
    tamper(&world, &["UPDATE audit_log SET entry = 'nothing' WHERE sequence = 2"]).await;
    let page = client.get("/api/Audit").await.expect(200);
    assert_eq!((&page["items"][0]["entry"], &page["items"][1]["entry"]["label"]), (&json!("nothing"), &json!("Owner")));
}

#[tokio::test]
async fn what_was_verified_is_verified_again_after_an_hour() {
    let world = World::new().await;
    let client = start_with(&world, 3).await;
    assert!(verify(&client).await.is_intact);
    tamper(&world, &["UPDATE audit_log SET entry = REPLACE(entry, 'Latte', 'Mocha') WHERE sequence = 2"]).await;

    assert!(verify(&client).await.is_intact, "only what is new is read");
    world.clock.advance(Duration::from_secs(60 * 60));

    assert_eq!(verify(&client).await.first_broken.unwrap().sequence, 2);
}

#[tokio::test]
async fn a_trail_that_shrank_since_it_was_verified_is_broken() {
    const HEAD_GOES_BACK: &str = "
        UPDATE audit_head SET last_sequence = 2,
                              last_hash = (SELECT hash FROM audit_log WHERE sequence = 2)";
    let world = World::new().await;
    let client = start_with(&world, 3).await;
    assert!(verify(&client).await.is_intact);
    tamper(&world, &["DELETE FROM audit_log WHERE sequence = 3", HEAD_GOES_BACK]).await;
    let broken = verify(&client).await.first_broken.unwrap();
    assert_eq!((broken.sequence, broken.fault), (3, AuditFault::Missing));
}

#[tokio::test]
async fn entries_are_listed_by_pages_the_newest_first() {
    let world = World::new().await;
    let client = start_with(&world, 5).await;

    let first = client.get("/api/Audit?limit=3").await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    assert_eq!((&first["items"][0]["sequence"], cursor), (&json!(5), "3"));
    assert_eq!(labels(&client, &format!("limit=3&cursor={cursor}")).await, ["Latte 2", "Owner"]);
    assert_eq!(first["items"][0]["previousHash"], first["items"][1]["hash"]);
    client.get("/api/Audit?limit=0").await.problem(400, "bad-request");
    client.get("/api/Audit?limit=201").await.problem(400, "bad-request");
}

#[tokio::test]
async fn entries_are_found_by_person_device_subject_area_text_and_time() {
    let world = World::new().await;
    let client = start_with(&world, 3).await;
    let approved = Actor { approved_by: Some(staff(Role::Manager)), ..act(&world, 4).actor };
    let stock =
        AuditEntry { actor: approved, area: AuditArea::Stock, action: "stock.counted".into(), ..act(&world, 4) };
    world.publish(&ActAudited(stock)).await;
    world.wait_until_idle().await;
    let (sari, dimas) = (staff(Role::Cashier).staff_id, staff(Role::Manager).staff_id);

    let counts = [
        (format!("staffId={sari}"), 3),
        (format!("staffId={dimas}"), 1),
        (format!("deviceId={}", device_id(DeviceKind::Pos)), 3),
        (format!("deviceId={}", device_id(DeviceKind::Kiosk)), 0),
        ("area=STOCK".to_owned(), 1),
        ("action=product.changed".to_owned(), 2),
        ("subject=product-2".to_owned(), 1),
        ("text=LATTE%203".to_owned(), 1),
        ("text=dimas".to_owned(), 1),
        ("text=100%25".to_owned(), 0),
        ("from=2026-11-22&to=2026-11-22".to_owned(), 4),
        ("from=2026-11-23".to_owned(), 0),
        ("to=2026-11-21".to_owned(), 0),
        ("from=2026-11-22T02:00:02Z&to=2026-11-22T02:00:03Z".to_owned(), 2),
        (format!("staffId={sari}&area=MENU&text=latte&limit=2"), 2),
    ];
    for (query, count) in counts {
        assert_eq!(labels(&client, &query).await.len(), count, "{query}");
    }
    for wrong in ["from=today", "to=2026-11-31", "text=%00"] {
        client.get(&format!("/api/Audit?{wrong}")).await.problem(400, "bad-request");
    }
    for wrong in ["area=COFFEE", "staffId=7", "colour=red", "cursor=last"] {
        client.get(&format!("/api/Audit?{wrong}")).await.problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn only_owners_see_the_trail() {
    let world = World::new().await;
    let client = start(&world).await;
    for path in ["/api/Audit", "/api/Audit/verification"] {
        client.with_token(&world.credentials.staff(Role::Manager)).get(path).await.problem(403, "forbidden");
        client.anonymous().get(path).await.problem(401, "sign-in-required");
    }
}

#[tokio::test]
async fn a_change_of_settings_is_in_the_trail_with_who_changed_what() {
    let world = World::new().await;
    let client = start(&world).await;

    client.put("/api/Shop", named("Kopi Pagi")).await.expect(200);
    let mut refused = named("Kopi Sore");
    refused["timeZone"] = json!("Mars/Base");
    client.put("/api/Shop", refused).await.problem(422, "invalid-shop");
    client.send(replacing(&named("Kopi Sore"), "\"1\"")).await.problem(412, "shop-changed-meanwhile");
    world.wait_until_idle().await;

    let page = client.get("/api/Audit?area=SETTING").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "a change that was refused is none");
    let entry = &page["items"][0]["entry"];
    assert_eq!(entry["action"], "shop.changed");
    assert_eq!(entry["actor"]["staff"]["name"], "Ratih");
    assert_eq!(entry["actor"]["device"]["name"], "POS 1");
    let before = ShopSettings::default().name;
    assert_eq!((&entry["before"], &entry["after"]), (&json!({"name": before}), &json!({"name": "Kopi Pagi"})));
}
