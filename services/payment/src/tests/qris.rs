use std::time::Duration;

use contracts::{
    event::{OrderExpired, OrderRevived, PaymentCompleted},
    order::OrderStatus,
    payment::PaymentStatus::{Expired, Failed, Paid, Pending},
};
use serde_json::json;
use testkit::World;

use super::set_up::{QR_LIFE, Till, qris};
use crate::{
    QrisSettings,
    gateways::{ChargeStatus, emvco},
};

#[tokio::test]
async fn a_guest_is_shown_a_qr_for_the_orders_amount() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    assert_eq!(shown.status, Pending);
    let tags = emvco::tests::read(&shown.qris.unwrap().payload).unwrap();
    assert_eq!(emvco::tests::value(&tags, "54"), "25000");
    till.world.wait_until_idle().await;
    assert!(till.world.published::<PaymentCompleted>().is_empty(), "nothing is paid yet");
}

#[tokio::test]
async fn the_mock_guest_pays_at_once_where_the_delay_is_zero_and_the_money_is_a_test() {
    let till = Till::configured(Some(QrisSettings::Mock { delay: Duration::ZERO })).await;
    let order_id = till.placed(25_000).await;
    let paid = till.shown(order_id, 25_000).await;
    assert_eq!((paid.status, paid.is_test), (Paid, true));
    assert_eq!(till.movements(paid.payment_id).await, [("QRIS_IN".into(), 25_000)]);
    till.world.wait_until_idle().await;
    assert!(till.world.published::<PaymentCompleted>()[0].is_test);
}

#[tokio::test]
async fn the_mock_guest_pays_after_the_delay() {
    let till = Till::configured(Some(QrisSettings::Mock { delay: Duration::from_secs(3) })).await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.pass(Duration::from_secs(1)).await;
    till.pass(Duration::from_secs(1)).await;
    assert_eq!(till.payment(shown.payment_id).await.status, Pending);
    till.pass(Duration::from_secs(2)).await;
    let paid = till.payment(shown.payment_id).await;
    assert_eq!((paid.status, paid.paid_at), (Paid, Some(shown.created_at + Duration::from_secs(3))));
}

#[tokio::test]
async fn without_a_gateway_qris_is_off_and_the_methods_say_so() {
    let till = Till::configured(None).await;
    let order_id = till.placed(25_000).await;
    let refused = till.pay_qris(order_id, 25_000).await.problem(409, "method-not-accepted");
    assert!(refused["detail"].as_str().unwrap().contains("Take CASH"));
    assert_eq!(till.client.get("/api/Payment/methods").await.expect(200), json!({ "methods": ["CASH"] }));
}

#[tokio::test]
async fn with_a_gateway_both_methods_work() {
    let till = Till::new().await;
    assert_eq!(till.client.get("/api/Payment/methods").await.expect(200), json!({ "methods": ["CASH", "QRIS"] }));
}

#[tokio::test]
async fn a_qr_takes_no_cash_and_no_other_amount() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let mut request = qris(order_id, 25_000);
    request["tendered"] = json!(25_000);
    let _ = till.client.post("/api/Payment", request).await.problem(422, "tendered-for-qris");
    let _ = till.pay_qris(order_id, 24_999).await.problem(409, "amount-mismatch");
    let free = till.placed(0).await;
    let _ = till.pay_qris(free, 0).await.problem(422, "nothing-to-pay");
    assert_eq!(till.gateway.made(), 0);
}

#[tokio::test]
async fn an_order_has_one_qr_on_the_screen() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let first = till.shown(order_id, 25_000).await;
    let again = till.shown(order_id, 25_000).await;
    assert_eq!(first.payment_id, again.payment_id);
    assert_eq!(till.gateway.made(), 1);
}

#[tokio::test]
async fn two_tablets_that_ask_at_once_show_the_same_qr() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let (left, right) = tokio::join!(till.shown(order_id, 25_000), till.shown(order_id, 25_000));
    assert_eq!(left.payment_id, right.payment_id);
    assert_eq!(till.statuses(order_id).await, [Pending]);
}

#[tokio::test]
async fn a_qr_that_was_paid_meanwhile_is_found_before_another_is_shown() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    let answer = till.shown(order_id, 25_000).await;
    assert_eq!((answer.payment_id, answer.status), (shown.payment_id, Paid));
    assert_eq!(till.gateway.made(), 1);
}

#[tokio::test]
async fn a_qr_whose_time_is_over_is_replaced() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let first = till.shown(order_id, 25_000).await;
    till.gateway.says(&first, ChargeStatus::Expired);
    let second = till.shown(order_id, 25_000).await;
    assert_ne!(first.payment_id, second.payment_id);
    assert_eq!(till.statuses(order_id).await, [Pending, Expired]);
    // Also where only our clock knows that it is over.
    till.world.clock.advance(QR_LIFE);
    assert_ne!(till.shown(order_id, 25_000).await.payment_id, second.payment_id);
}

#[tokio::test]
async fn a_qr_that_the_gateway_refused_is_replaced() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let first = till.shown(order_id, 25_000).await;
    till.gateway.says(&first, ChargeStatus::Failed);
    let _ = till.shown(order_id, 25_000).await;
    assert_eq!(till.statuses(order_id).await, [Pending, Failed]);
}

#[tokio::test]
async fn no_second_qr_is_shown_while_nobody_knows_about_the_first() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    till.gateway.goes_away();
    let _ = till.pay_qris(order_id, 25_000).await.problem(503, "gateway-away");
    assert!(till.ledger().await.is_empty());
    till.gateway.comes_back();
    let _ = till.shown(order_id, 25_000).await;
    till.gateway.goes_away();
    let _ = till.pay_qris(order_id, 25_000).await.problem(503, "gateway-away");
    assert_eq!(till.statuses(order_id).await, [Pending]);
}

#[tokio::test]
async fn a_guest_who_paid_the_qr_is_not_asked_for_cash() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    let refused = till.pay_cash(order_id, 25_000, 25_000).await.problem(409, "already-paid");
    assert_eq!(refused["context"]["paymentId"], json!(shown.payment_id));
    assert_eq!(till.statuses(order_id).await, [Paid]);
}

#[tokio::test]
async fn cash_is_taken_while_the_gateway_is_away_and_the_qr_is_given_up() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let _ = till.shown(order_id, 25_000).await;
    till.gateway.goes_away();
    let _ = till.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    assert_eq!(till.statuses(order_id).await, [Paid, Expired]);
}

#[tokio::test]
async fn a_gateway_that_hangs_holds_up_nobody() {
    let till = Till::with_patience(World::new().await, Duration::from_millis(200)).await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.falls_silent();
    let _ = till.pay_qris(order_id, 25_000).await.problem(503, "gateway-away");
    let confirm = format!("/api/Payment/{}/confirm", shown.payment_id);
    let _ = till.client.post(&confirm, json!({})).await.problem(409, "proof-needed");
    till.pass(Duration::from_secs(2)).await;
    let _ = till.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    assert_eq!(till.statuses(order_id).await, [Paid, Expired]);

    let another = till.placed(18_000).await;
    let _ = till.pay_qris(another, 18_000).await.problem(503, "gateway-away");
    assert!(till.statuses(another).await.is_empty(), "no QR was made");
}

#[tokio::test]
async fn the_same_request_sent_again_is_the_same_qr() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let first = till.client.post_with_key("/api/Payment", "tap-1", qris(order_id, 25_000)).await.expect(201);
    let again = till.client.post_with_key("/api/Payment", "tap-1", qris(order_id, 25_000)).await.expect(201);
    assert_eq!(first["paymentId"], again["paymentId"]);
    assert_eq!(till.gateway.made(), 1);
}

#[tokio::test]
async fn the_qr_of_a_revived_order_is_shown_again() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.orders.set(order_id, OrderStatus::Expired, 2);
    till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    assert_eq!(till.statuses(order_id).await, [Expired]);
    let _ = till.pay_qris(order_id, 25_000).await.problem(409, "order-expired");

    till.world.clock.advance(Duration::from_secs(60));
    till.orders.set(order_id, OrderStatus::Pending, 3);
    let again = till.shown(order_id, 25_000).await;
    assert_eq!((again.payment_id, again.status), (shown.payment_id, Pending));
    // The event of it comes after the tap.
    till.world.publish(&OrderRevived(till.event(order_id, 3, 25_000))).await;
    assert_eq!(till.statuses(order_id).await, [Pending], "the guest looks at it");
    assert_eq!(till.gateway.made(), 1);
}

#[tokio::test]
async fn a_qr_that_is_shown_is_not_given_up_by_what_is_heard_later_of_the_orders_past() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let _ = till.shown(order_id, 25_000).await;
    // It expired and was revived, and none of it was heard of when the cashier taps again.
    till.orders.set(order_id, OrderStatus::Pending, 3);
    let _ = till.shown(order_id, 25_000).await;
    till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    till.world.publish(&OrderRevived(till.event(order_id, 3, 25_000))).await;
    assert_eq!(till.statuses(order_id).await, [Pending], "the guest looks at it");
}

#[tokio::test]
async fn a_tablet_that_would_show_an_old_qr_beside_a_newer_one_shows_the_newer_one() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let old = till.shown(order_id, 25_000).await;
    till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    till.orders.set(order_id, OrderStatus::Pending, 3);
    till.world.publish(&OrderRevived(till.event(order_id, 3, 25_000))).await;

    let (asked, answer) = till.gateway.hold_next_question();
    let other_tablet = async {
        asked.await.unwrap();
        till.gateway.says(&old, ChargeStatus::Expired);
        let newer = till.shown(order_id, 25_000).await;
        answer.send(ChargeStatus::Pending).unwrap();
        newer
    };
    let (shown, newer) = tokio::join!(till.shown(order_id, 25_000), other_tablet);
    assert_ne!(newer.payment_id, old.payment_id);
    assert_eq!(shown.payment_id, newer.payment_id);
    assert_eq!(till.statuses(order_id).await, [Pending, Expired]);
}
