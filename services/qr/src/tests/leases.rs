//! The lease protocol of dispensers, through the router.

use contracts::{
    event::{CodesIssued, DispenseCompleted, DispenseFailed},
    ids::DispenseId,
    qr::{CodeStatus, DispenseOutcome, DispenseSeconds, HeartbeatResponse, RefusalReason},
};

use super::*;

async fn heartbeat(bar: &Bar, epoch: &str, open: &[Option<DispenseId>], seen_grants: i64) -> HeartbeatResponse {
    let body = json!({ "deviceId": "seven", "journalEpoch": epoch, "openDispenses": open, "seenGrants": seen_grants });
    bar.post("/api/QrCode/heartbeat", body).await.read(200)
}

/// The device `seven` lost its journal and writes this one: the second heartbeat confirms it.
async fn begin_journal(bar: &Bar, epoch: &str) {
    let first = heartbeat(bar, epoch, &[], 0).await;
    assert!(!first.confirmed);
    assert!(heartbeat(bar, epoch, &[], first.grants).await.confirmed);
}

#[tokio::test]
async fn a_device_leases_a_code_and_reports_it_poured() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let grant = bar.scan(&cup, "seven", "one").await;
    assert!(grant.valid && grant.dispense_id.is_some());
    assert_eq!(grant.product_name.as_deref(), Some("Latte"));
    assert_eq!(grant.dispense_duration, Some(DispenseSeconds { millis: 8000 }));
    let leased = bar.reload(&cup).await;
    assert_eq!((leased.status, leased.device_id), (CodeStatus::Leased, Some(device_id("seven").to_string())));

    let answer: CodeView = bar.report(&cup, &grant, "completed", 7990).await.read(200);
    assert_eq!(answer.status, CodeStatus::Used);
    assert_eq!(bar.on_receipt(cup.order_id).await, std::slice::from_ref(&answer));
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<DispenseCompleted>(), [DispenseCompleted { code: answer, poured_ms: Some(7990) }]);
}

#[tokio::test]
async fn the_same_device_gets_the_same_grant_and_another_gets_in_use() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let grant = bar.scan(&cup, "seven", "one").await;
    assert_eq!(bar.scan(&cup, "seven", "one").await, grant);
    assert_eq!(bar.scan(&cup, "seven", "two").await, grant);
    assert_eq!(bar.scan(&cup, "eight", "one").await.reason, Some(RefusalReason::InUse));

    bar.report(&cup, &grant, "completed", 8000).await.expect(200);
    let closed = bar.scan(&cup, "seven", "one").await;
    assert_eq!((closed.valid, closed.reason), (false, Some(RefusalReason::Used)), "a closed grant pours no more");
}

#[tokio::test]
async fn only_one_of_several_simultaneous_devices_gets_the_lease() {
    let bar = Bar::open().await;
    for cup in bar.paid_cups(10).await {
        let scans = ["seven", "eight", "seven", "nine"].map(|device| {
            let (client, scan) = bar.sender_of(&scan_of(&cup, device, device, "e"));
            tokio::spawn(async move { (device, client.post("/api/QrCode/validate", scan).await) })
        });
        let mut granted = Vec::new();
        for scan in scans {
            let (device, reply) = scan.await.unwrap();
            let answer: ValidateCodeResponse = reply.read(200);
            match answer.valid {
                true => granted.push((device, answer.dispense_id)),
                false => assert_eq!(answer.reason, Some(RefusalReason::InUse)),
            }
        }
        granted.dedup();
        assert_eq!(granted.len(), 1, "{granted:?}");
    }
}

#[tokio::test]
async fn the_first_report_of_a_grant_is_final() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let grant = bar.scan(&cup, "seven", "one").await;
    let first: CodeView = bar.report(&cup, &grant, "completed", 8000).await.read(200);
    let again: CodeView = bar.report(&cup, &grant, "completed", 8000).await.read(200);
    let other: CodeView = bar.report(&cup, &grant, "not_poured", 0).await.read(200);
    assert_eq!((&again, &other), (&first, &first));
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<DispenseCompleted>().len(), 1);
}

#[tokio::test]
async fn a_drink_that_was_not_poured_is_valid_again() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let grant = bar.scan(&cup, "seven", "one").await;
    let back: CodeView = bar.report(&cup, &grant, "not_poured", 0).await.read(200);
    assert_eq!(back.status, CodeStatus::Active);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<CodesIssued>().last().unwrap().codes, [back]);

    let next = bar.scan(&cup, "eight", "one").await;
    assert!(next.valid);
    assert_ne!(next.dispense_id, grant.dispense_id);
    let late: CodeView = bar.report(&cup, &grant, "completed", 8000).await.read(200);
    assert_eq!(late.status, CodeStatus::Leased, "the first grant is closed, whatever its device reports later");
}

#[tokio::test]
async fn a_partial_pour_is_for_staff_unless_it_is_nine_tenths() {
    let bar = Bar::open().await;
    for (outcome, poured_ms, status) in [
        ("partial", 7200, CodeStatus::Used),
        ("partial", 7199, CodeStatus::Review),
        ("interrupted", 7200, CodeStatus::Used),
        ("interrupted", 0, CodeStatus::Review),
        ("not_poured", 10, CodeStatus::Review),
    ] {
        let cup = bar.paid_cup().await;
        let grant = bar.scan(&cup, "seven", outcome).await;
        let now: CodeView = bar.report(&cup, &grant, outcome, poured_ms).await.read(200);
        assert_eq!(now.status, status, "{outcome} {poured_ms}");
    }
    bar.world.wait_until_idle().await;
    let failed = bar.world.published::<DispenseFailed>();
    let outcomes: Vec<_> = failed.iter().map(|failed| (failed.outcome, failed.poured_ms)).collect();
    use DispenseOutcome::{Interrupted, NotPoured, Partial};
    assert_eq!(outcomes, [(Some(Partial), Some(7199)), (Some(Interrupted), Some(0)), (Some(NotPoured), Some(10))]);
    assert!(failed.iter().all(|failed| failed.code.status == CodeStatus::Review));
}

#[tokio::test]
async fn a_report_of_another_code_or_device_is_refused() {
    let bar = Bar::open().await;
    let (cup, other) = (bar.paid_cup().await, bar.paid_cup().await);
    let grant = bar.scan(&cup, "seven", "one").await;
    let of_other_code = bar.report(&other, &grant, "completed", 8000).await;
    let _ = of_other_code.problem(404, "unknown-dispense");

    let report = |device: &str, dispense_id, outcome: &str| json!({ "dispenseId": dispense_id, "deviceId": device, "outcome": outcome, "pouredMs": 0 });
    let path = format!("/api/QrCode/{}/complete", cup.code);
    let unknown = report("seven", Some(DispenseId::new(bar.now())), "completed");
    let _ = bar.post(&path, unknown).await.problem(404, "unknown-dispense");
    let _ = bar.post(&path, report("eight", grant.dispense_id, "completed")).await.problem(409, "wrong-device");
    let _ = bar.post(&path, report("seven", grant.dispense_id, "spilt")).await.expect(422);
    let no_code = bar.post("/api/QrCode/menu/complete", report("seven", grant.dispense_id, "completed")).await;
    let _ = no_code.problem(404, "not-found");
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased);
}

#[tokio::test]
async fn a_grant_whose_answer_was_lost_is_released_by_a_heartbeat() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    assert_eq!(heartbeat(&bar, "epoch-1", &[], 0).await.grants, 0);
    let lost = bar.scan(&cup, "seven", "one").await;

    assert_eq!(heartbeat(&bar, "epoch-1", &[], 0).await.grants, 1);
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased, "the answer may still be on its way");
    assert_eq!(heartbeat(&bar, "epoch-1", &[lost.dispense_id], 1).await.grants, 1);
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased, "the device holds it");
    heartbeat(&bar, "epoch-1", &[], 1).await;
    assert_eq!(bar.status(&cup).await, CodeStatus::Active);
}

#[tokio::test]
async fn a_grant_whose_answer_is_on_its_way_is_not_released() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    bar.scan(&cup, "seven", "one").await; // The network is slow: the answer arrives later.
    let asking = async |seen_grants| {
        let body = json!({
            "deviceId": "seven", "journalEpoch": "epoch-1", "openDispenses": [], "seenGrants": seen_grants,
            "openAttemptId": "one",
        });
        bar.post("/api/QrCode/heartbeat", body).await.read::<HeartbeatResponse>(200).grants
    };
    assert_eq!(asking(0).await, 1);
    assert_eq!(asking(1).await, 1);
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased);
    heartbeat(&bar, "epoch-1", &[], 1).await;
    assert_eq!(bar.status(&cup).await, CodeStatus::Active, "it cancelled the scan");
}

#[tokio::test]
async fn a_late_report_corrects_what_was_concluded_without_it() {
    let bar = Bar::open().await;
    let freed = bar.paid_cup().await;
    let grant = bar.scan(&freed, "seven", "one").await;
    heartbeat(&bar, "epoch-1", &[], 1).await;
    assert_eq!(bar.status(&freed).await, CodeStatus::Active);
    let poured: CodeView = bar.report(&freed, &grant, "completed", 8000).await.read(200);
    assert_eq!(poured.status, CodeStatus::Used);
    assert_eq!(bar.on_receipt(freed.order_id).await, std::slice::from_ref(&poured));
    let other: CodeView = bar.report(&freed, &grant, "not_poured", 0).await.read(200);
    assert_eq!(other, poured, "the first report is final");

    let in_review = bar.paid_cup().await;
    let grant = bar.scan(&in_review, "seven", "two").await;
    begin_journal(&bar, "epoch-2").await;
    assert_eq!(bar.status(&in_review).await, CodeStatus::Review);
    let back: CodeView = bar.report(&in_review, &grant, "not_poured", 0).await.read(200);
    assert_eq!(back.status, CodeStatus::Active);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<DispenseCompleted>(), [DispenseCompleted { code: poured, poured_ms: Some(8000) }]);
    assert_eq!(bar.world.published::<CodesIssued>().last().unwrap().codes, [back]);
}

#[tokio::test]
async fn staff_see_a_cup_that_was_poured_after_it_went_to_another_device() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let first = bar.scan(&cup, "seven", "one").await;
    heartbeat(&bar, "epoch-1", &[], 1).await;
    bar.scan(&cup, "eight", "one").await;
    let now: CodeView = bar.report(&cup, &first, "completed", 8000).await.read(200);
    assert_eq!(now.status, CodeStatus::Leased, "the other device may finish");
    bar.report(&cup, &first, "completed", 8000).await.expect(200);
    assert_eq!(bar.attention_list().await, [(now.clone(), AttentionReason::PouredTwice)]);
    bar.world.wait_until_idle().await;
    let published = bar.world.published::<DispenseFailed>();
    let failed = DispenseFailed { code: now, outcome: Some(DispenseOutcome::Completed), poured_ms: Some(8000) };
    assert_eq!(published, [failed]);
    bar.resolve(&cup, "poured").await.expect(200);
    assert_eq!(bar.attention_list().await, []);

    let cup = bar.paid_cup().await;
    let first = bar.scan(&cup, "seven", "two").await;
    heartbeat(&bar, "epoch-1", &[], 2).await;
    let second = bar.scan(&cup, "eight", "two").await;
    report_of_eight(&bar, &cup, &second, "not_poured", 0).await;
    let now: CodeView = bar.report(&cup, &first, "completed", 8000).await.read(200);
    assert_eq!(now.status, CodeStatus::Review, "it would have poured twice");
    assert_eq!(bar.attention_list().await, [(now, AttentionReason::PouredTwice)]);
}

#[tokio::test]
async fn a_cup_that_two_devices_poured_is_listed_until_staff_have_seen_it() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let first = bar.scan(&cup, "seven", "one").await;
    let new: CodeView = bar.resolve(&cup, "not_poured").await.read(200);
    let second = bar.scan(&new, "eight", "one").await;
    report_of_eight(&bar, &new, &second, "completed", 8000).await;
    bar.report(&cup, &first, "completed", 8000).await.expect(200);

    let twice = bar.reload(&new).await;
    assert_eq!(twice.status, CodeStatus::Used);
    assert_eq!(bar.attention_list().await, [(twice.clone(), AttentionReason::PouredTwice)]);
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<DispenseFailed>().last().unwrap().code, twice);

    let seen: CodeView = bar.resolve(&new, "poured").await.read(200);
    assert_eq!(seen.status, CodeStatus::Used);
    assert_eq!(bar.attention_list().await, []);
    let _ = bar.resolve(&new, "poured").await.problem(409, "code-not-in-review");
}

#[tokio::test]
async fn a_released_cup_that_two_callers_poured_is_listed() {
    let bar = Bar::open().await;
    let (leased, alone) = (bar.paid_cup().await, bar.paid_cup().await);
    let first = bar.scan(&leased, "seven", "one").await;
    let other_first = bar.scan(&alone, "seven", "two").await;
    heartbeat(&bar, "epoch-1", &[], 2).await;
    let second = bar.scan(&leased, "eight", "one").await;
    report_of_eight(&bar, &leased, &second, "completed", 8000).await;
    assert!(bar.validate(json!({ "code": alone.code })).await.valid);

    bar.report(&leased, &first, "completed", 8000).await.expect(200);
    bar.world.clock.advance(Duration::from_secs(1));
    bar.report(&alone, &other_first, "completed", 8000).await.expect(200);
    let listed = [bar.reload(&alone).await, bar.reload(&leased).await].map(|code| (code, AttentionReason::PouredTwice));
    assert_eq!(bar.attention_list().await, listed);
}

#[tokio::test]
async fn a_disputed_cup_that_is_released_goes_to_review() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let first = bar.scan(&cup, "seven", "one").await;
    heartbeat(&bar, "epoch-1", &[], 1).await;
    let second = bar.scan(&cup, "eight", "one").await;
    bar.report(&cup, &first, "completed", 8000).await.expect(200);
    report_of_eight(&bar, &cup, &second, "not_poured", 0).await;
    assert_eq!(bar.status(&cup).await, CodeStatus::Review);

    let back: CodeView = bar.resolve(&cup, "not_poured").await.read(200);
    assert_eq!(back.status, CodeStatus::Active, "staff decided");
    assert_eq!(bar.attention_list().await, []);
}

async fn report_of_eight(bar: &Bar, code: &CodeView, grant: &ValidateCodeResponse, outcome: &str, poured_ms: u32) {
    let report =
        json!({ "dispenseId": grant.dispense_id, "deviceId": "eight", "outcome": outcome, "pouredMs": poured_ms });
    bar.post(&format!("/api/QrCode/{}/complete", code.code), report).await.expect(200);
}

#[tokio::test]
async fn a_heartbeat_from_before_a_repeated_grant_releases_nothing() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    bar.scan(&cup, "seven", "one").await;
    let repeated = bar.scan(&cup, "seven", "two").await;
    heartbeat(&bar, "epoch-1", &[], 1).await;
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased);
    bar.report(&cup, &repeated, "completed", 8000).await.expect(200);
    assert_eq!(bar.status(&cup).await, CodeStatus::Used);
}

#[tokio::test]
async fn a_device_that_saw_more_grants_than_there_are_releases_nothing() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    bar.scan(&cup, "seven", "one").await;
    assert_eq!(heartbeat(&bar, "epoch-1", &[], 9).await.grants, 1);
    assert_eq!(bar.status(&cup).await, CodeStatus::Leased);
}

#[tokio::test]
async fn a_device_that_lost_its_journal_leaves_its_cups_to_staff() {
    let bar = Bar::open().await;
    let cups = bar.paid_cups(3).await;
    bar.scan(&cups[0], "seven", "one").await;
    bar.scan(&cups[1], "eight", "one").await;
    begin_journal(&bar, "epoch-2").await;
    assert_eq!(bar.status(&cups[0]).await, CodeStatus::Review);
    assert_eq!(bar.status(&cups[1]).await, CodeStatus::Leased, "another device's");

    let of_second_journal = bar.validate(scan_of(&cups[2], "seven", "two", "epoch-2")).await;
    assert!(of_second_journal.valid);
    begin_journal(&bar, "epoch-3").await;
    let answer = bar.validate(scan_of(&cups[2], "seven", "two", "epoch-3")).await;
    assert_eq!(answer.reason, Some(RefusalReason::InReview));
    bar.world.wait_until_idle().await;
    let failed = bar.world.published::<DispenseFailed>();
    let outcomes: Vec<_> = failed.iter().map(|failed| (&failed.code.code, failed.outcome)).collect();
    assert_eq!(outcomes, [(&cups[0].code, None), (&cups[2].code, None)]);
}

#[tokio::test]
async fn a_heartbeat_with_wrong_ids_is_refused() {
    let bar = Bar::open().await;
    let grants = vec![DispenseId::new(bar.now()); 65];
    for body in [
        json!({ "deviceId": "seven", "journalEpoch": "", "openDispenses": [] }),
        json!({ "deviceId": "seven", "journalEpoch": "e".repeat(65), "openDispenses": [] }),
        json!({ "deviceId": "seven", "journalEpoch": "e", "openDispenses": grants }),
        json!({ "deviceId": "seven", "journalEpoch": "e", "openDispenses": [], "openAttemptId": "" }),
    ] {
        let _ = bar.post("/api/QrCode/heartbeat", body).await.problem(422, "invalid");
    }
}
