//! Which journal of a device is current, and how many devices are kept.

use contracts::qr::{CodeStatus, HeartbeatResponse};

use super::*;
use crate::commands::DEVICES_MAX;

async fn heartbeat(bar: &Bar, device: &str, epoch: &str, seen_grants: i64) -> HeartbeatResponse {
    let body = json!({ "deviceId": device, "journalEpoch": epoch, "openDispenses": [], "seenGrants": seen_grants });
    bar.client.post("/api/QrCode/heartbeat", body).await.read(200)
}

async fn count_devices(bar: &Bar) -> u32 {
    bar.codes.db.read::<_, db::DbError, _>(crate::store::count_devices).await.unwrap()
}

#[tokio::test]
async fn one_request_of_a_stranger_does_not_lock_a_device_out() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    let grant = bar.scan(&cups[0], "seven", "one").await;

    assert!(!heartbeat(&bar, "seven", "made-up", 0).await.confirmed);
    let scan = bar.client.post("/api/QrCode/validate", scan_of(&cups[1], "seven", "two", "also-made-up")).await;
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

    let late = bar.client.post("/api/QrCode/validate", scan_of(&cups[1], "seven", "one", "epoch-1")).await;
    let _ = late.problem(409, "journal-not-current");
    for seen_grants in [0, old.grants, new.grants] {
        assert!(!heartbeat(&bar, "seven", "epoch-1", seen_grants).await.confirmed);
    }
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Leased);
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Active);
}

#[tokio::test]
async fn a_device_whose_journal_a_stranger_displaced_takes_its_place_back() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    heartbeat(&bar, "seven", "epoch-1", 0).await;
    let strange = heartbeat(&bar, "seven", "made-up", 0).await;
    assert!(heartbeat(&bar, "seven", "made-up", strange.grants).await.confirmed);

    let answer = heartbeat(&bar, "seven", "epoch-1", 0).await;
    assert!(heartbeat(&bar, "seven", "epoch-1", answer.grants).await.confirmed);
    assert!(bar.scan(&cup, "seven", "one").await.valid);
}

#[tokio::test]
async fn made_up_device_ids_do_not_grow_the_list_of_devices_without_bound() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    bar.scan(&cup, "seven", "one").await;
    for number in 0..DEVICES_MAX + 20 {
        bar.world.clock.advance(Duration::from_millis(1));
        heartbeat(&bar, &format!("made-up-{number}"), "e", 0).await;
    }
    assert_eq!(count_devices(&bar).await, DEVICES_MAX);
    assert!(bar.scan(&cup, "seven", "one").await.valid, "the oldest device holds a lease, so it stays");
}

#[tokio::test]
async fn a_device_too_many_is_refused_while_every_other_holds_a_code() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(DEVICES_MAX + 1).await;
    let (last, others) = cups.split_last().unwrap();
    let mut first_grant = None;
    for (number, cup) in others.iter().enumerate() {
        let device = if number == 0 { "seven".to_owned() } else { format!("device-{number}") };
        let grant = bar.scan(cup, &device, "one").await;
        first_grant.get_or_insert(grant);
    }
    let scan = || bar.client.post("/api/QrCode/validate", scan_of(last, "new", "one", "e"));
    let _ = scan().await.problem(409, "too-many-devices");
    assert_eq!(bar.status(last).await, CodeStatus::Active);

    bar.report(&others[0], &first_grant.unwrap(), "completed", 8000).await.expect(200);
    assert_eq!(scan().await.expect(200)["valid"], true);
}

#[tokio::test]
async fn an_evicted_device_that_returns_gets_only_new_grant_numbers() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(2).await;
    let grant = bar.scan(&cups[0], "seven", "one").await;
    bar.report(&cups[0], &grant, "completed", 8000).await.expect(200);
    for number in 0..DEVICES_MAX {
        bar.world.clock.advance(Duration::from_millis(1));
        heartbeat(&bar, &format!("made-up-{number}"), "e", 0).await;
    }
    bar.scan(&cups[1], "seven", "two").await;
    assert_eq!(heartbeat(&bar, "seven", "epoch-1", 1).await.grants, 2);
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Leased, "a heartbeat from before the scan does not know it");
}
