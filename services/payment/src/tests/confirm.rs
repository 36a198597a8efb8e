use contracts::{
    ids::PaymentId,
    payment::{
        PaymentStatus::{Failed, Paid, Pending, RefundDue},
        PaymentView,
    },
};
use serde_json::json;
use testkit::{Reply, World};

use super::set_up::Till;
use crate::{PaymentSettings, gateways::ChargeStatus};

async fn confirm(till: &Till, payment_id: PaymentId, body: serde_json::Value) -> Reply {
    till.client.post(&format!("/api/Payment/{payment_id}/confirm"), body).await
}

#[tokio::test]
async fn the_gateways_word_confirms_a_payment() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    let paid: PaymentView = confirm(&till, shown.payment_id, json!({})).await.read(200);
    assert_eq!(paid.status, Paid);
    let again: PaymentView = confirm(&till, shown.payment_id, json!({})).await.read(200);
    assert_eq!(again, paid);
}

#[tokio::test]
async fn a_notice_does_not_stand_against_the_gateways_word() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    let _ = confirm(&till, shown.payment_id, json!({})).await.problem(409, "not-paid-yet");
    let notice = json!({ "reference": "BCA 123" });
    let _ = confirm(&till, shown.payment_id, notice).await.problem(409, "not-paid-yet");
    assert_eq!(till.statuses(order_id).await, [Pending]);
}

#[tokio::test]
async fn while_the_gateway_is_away_a_manager_confirms_with_a_reference() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.goes_away();
    let refused = confirm(&till, shown.payment_id, json!({})).await.problem(409, "proof-needed");
    assert!(refused["detail"].as_str().unwrap().contains("reference"));
    let paid: PaymentView = confirm(&till, shown.payment_id, json!({ "reference": " BCA 123 " })).await.read(200);
    assert_eq!((paid.status, paid.reference.as_deref()), (Paid, Some("BCA 123")));
}

#[tokio::test]
async fn a_qr_of_a_gateway_that_the_shop_left_is_confirmed_with_a_reference() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.world.stop().await;
    let service = crate::open(till.world.context(), PaymentSettings::default()).await.unwrap();
    let client = till.world.start(service).await;
    let path = format!("/api/Payment/{}/confirm", shown.payment_id);
    let _ = client.post(&path, json!({})).await.problem(409, "proof-needed");
    let _ = client.post(&path, json!({ "reference": "BCA 123" })).await.expect(200);
}

#[tokio::test]
async fn a_reference_is_something_that_a_bank_could_have_written() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    for wrong in [" ".to_owned(), "BCA\u{0} 123".to_owned(), "x".repeat(121)] {
        let refused = confirm(&till, shown.payment_id, json!({ "reference": wrong })).await;
        let _ = refused.problem(422, "invalid-reference");
    }
}

#[tokio::test]
async fn a_refused_payment_cannot_be_confirmed() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.says(&shown, ChargeStatus::Failed);
    let _ = confirm(&till, shown.payment_id, json!({})).await.problem(409, "payment-failed");
    assert_eq!(till.statuses(order_id).await, [Failed]);
    till.gateway.goes_away();
    let notice = json!({ "reference": "BCA 123" });
    let _ = confirm(&till, shown.payment_id, notice).await.problem(409, "payment-failed");
}

#[tokio::test]
async fn money_confirmed_for_an_order_that_was_paid_in_cash_is_to_be_given_back() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    let _ = till.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    till.gateway.goes_away();
    let late: PaymentView = confirm(&till, shown.payment_id, json!({ "reference": "BCA 123" })).await.read(200);
    assert_eq!(late.status, RefundDue);
}

#[tokio::test]
async fn cash_is_confirmed_already() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let paid: PaymentView = till.pay_cash(order_id, 25_000, 25_000).await.read(201);
    let again: PaymentView = confirm(&till, paid.payment_id, json!({})).await.read(200);
    assert_eq!(again, paid);
}

#[tokio::test]
async fn only_a_payment_that_exists_is_confirmed_and_its_key_is_its_own() {
    let till = Till::in_world(World::new().await).await;
    let unknown = PaymentId::new(till.world.clock.now());
    let _ = confirm(&till, unknown, json!({})).await.problem(404, "payment-not-found");
    let _ = till.client.post("/api/Payment/42/confirm", json!({})).await.problem(400, "invalid-id");

    let order_id = till.placed(25_000).await;
    let paid: PaymentView = till.pay_cash(order_id, 25_000, 25_000).await.read(201);
    let path = format!("/api/Payment/{}/confirm", paid.payment_id);
    let _ = till.client.post_with_key(&path, "tap-1", json!({})).await.expect(200);
    let _ = till.client.post_with_key(&path, "tap-1", json!({})).await.expect(200);
    let other = json!({ "reference": "BCA 123" });
    let _ = till.client.post_with_key(&path, "tap-1", other).await.problem(422, "idempotency-key-reused");
}
