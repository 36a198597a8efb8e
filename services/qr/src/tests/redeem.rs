//! Scans of a code alone, as in the specification's steps 33 to 36.

use axum::{body::Body, http::Request};
use contracts::{
    event::{DispenseCompleted, EventKind, OrderCreated},
    qr::{CodeStatus, RefusalReason},
};

use super::*;

async fn refused(bar: &Bar, code: &str) -> Option<RefusalReason> {
    let answer = bar.validate(json!({ "code": code })).await;
    assert!(!answer.valid);
    assert_eq!((answer.product_name, answer.dispense_duration, answer.dispense_id), (None, None, None));
    answer.reason
}

#[tokio::test]
async fn a_paid_code_pours_once() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;

    let answer = bar.client.post("/api/QrCode/validate", json!({ "code": cup.code })).await.expect(200);
    assert_eq!(answer, json!({ "valid": true, "productName": "Latte", "dispenseDuration": 8 }));
    assert_eq!(refused(&bar, &cup.code).await, Some(RefusalReason::Used));

    let used = bar.reload(&cup).await;
    assert_eq!(used.status, CodeStatus::Used);
    assert_eq!(bar.on_receipt(cup.order_id).await, std::slice::from_ref(&used));
    bar.world.wait_until_idle().await;
    assert_eq!(bar.world.published::<DispenseCompleted>(), [DispenseCompleted { code: used, poured_ms: None }]);
}

#[tokio::test]
async fn the_event_of_a_pour_is_in_the_trace_of_its_scan() {
    const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let scan = Request::post("/api/QrCode/validate")
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{TRACE_ID}-b7ad6b7169203331-01"))
        .body(Body::from(json!({ "code": cup.code }).to_string()))
        .unwrap();
    bar.client.send(scan).await.expect(200);
    bar.world.wait_until_idle().await;
    let events = bar.world.published_events();
    let poured = events.iter().find(|event| event.kind == EventKind::DispenseCompleted).unwrap();
    let traceparent = poured.traceparent.as_deref().unwrap();
    assert!(traceparent.contains(TRACE_ID), "{traceparent}");
}

#[tokio::test]
async fn only_one_of_many_simultaneous_scans_pours() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let scans = (0..16).map(|_| {
        let (client, code) = (bar.client.clone(), cup.code.clone());
        tokio::spawn(async move { client.post("/api/QrCode/validate", json!({ "code": code })).await })
    });
    let mut poured = 0;
    for scan in scans.collect::<Vec<_>>() {
        let answer: ValidateCodeResponse = scan.await.unwrap().read(200);
        poured += u32::from(answer.valid);
    }
    assert_eq!(poured, 1);
}

#[tokio::test]
async fn a_code_is_read_as_scanners_and_people_write_it() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let sloppy = format!(" {}\r\n", cup.code.to_lowercase().replace('0', "o").replace('1', "l"));
    assert!(bar.validate(json!({ "code": sloppy })).await.valid);
}

#[tokio::test]
async fn a_refused_scan_has_its_reason() {
    let bar = Bar::open().await;
    assert_eq!(refused(&bar, "https://example.com").await, Some(RefusalReason::NotFound));
    assert_eq!(refused(&bar, &"9".repeat(100_000)).await, Some(RefusalReason::NotFound));
    assert_eq!(refused(&bar, "QR-20261122-0000000000000000").await, Some(RefusalReason::NotFound));

    let order = bar.order_of(1);
    bar.world.publish(&OrderCreated(order.clone())).await;
    let unpaid = bar.codes_of(order.order_id).await.remove(0);
    assert_eq!(refused(&bar, &unpaid.code).await, Some(RefusalReason::Unpaid));
    bar.world.publish(&expired(&order, 2)).await;
    assert_eq!(refused(&bar, &unpaid.code).await, Some(RefusalReason::Void));

    let leased = bar.paid_cup().await;
    bar.scan(&leased, "seven", "one").await;
    assert_eq!(refused(&bar, &leased.code).await, Some(RefusalReason::InUse));
    let in_review = bar.cup_in_review().await;
    assert_eq!(refused(&bar, &in_review.code).await, Some(RefusalReason::InReview));
}

#[tokio::test]
async fn a_scan_with_only_some_ids_of_a_device_is_refused() {
    let bar = Bar::open().await;
    let cup = bar.paid_cup().await;
    let bodies = [
        json!({ "code": cup.code, "deviceId": "seven", "attemptId": "one" }),
        json!({ "code": cup.code, "attemptId": "one", "journalEpoch": "e" }),
        json!({ "code": cup.code, "deviceId": "seven", "attemptId": "", "journalEpoch": "e" }),
        json!({ "code": cup.code, "deviceId": "seven", "attemptId": "x".repeat(65), "journalEpoch": "e" }),
    ];
    for body in bodies {
        let _ = bar.post("/api/QrCode/validate", body).await.problem(422, "invalid");
    }
    let _ = bar.client.post("/api/QrCode/validate", json!({ "kode": "x" })).await.expect(422);
    assert_eq!(bar.status(&cup).await, CodeStatus::Active);
}
