use std::time::Duration;

use contracts::{
    event::{OrderExpired, OrderRevived, PaymentCompleted},
    order::OrderStatus,
    payment::PaymentStatus::{Expired, Failed, Paid, Pending},
};
use serde_json::json;
use testkit::World;

use super::shop::{CHARGE_TTL, TestShop, qris};
use crate::{
    QrisSettings,
    gateways::{ChargeStatus, emvco},
};

#[tokio::test]
async fn a_guest_is_shown_a_qr_for_the_orders_amount() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    assert_eq!(shown.status, Pending);
    let tags = emvco::tests::read(&shown.qris.unwrap().payload).unwrap();
    assert_eq!(emvco::tests::value(&tags, "54"), "25000");
    shop.wait_until_idle().await;
    assert!(shop.published::<PaymentCompleted>().is_empty(), "nothing is paid yet");
}

#[tokio::test]
async fn the_mock_gateway_without_delay_pays_at_once_with_test_money() {
    let shop = TestShop::with_settings(Some(QrisSettings::Mock { delay: Duration::ZERO })).await;
    let order_id = shop.place_order(25_000).await;
    let paid = shop.show_qr(order_id, 25_000).await;
    assert_eq!((paid.status, paid.is_test), (Paid, true));
    assert_eq!(shop.transactions(paid.payment_id).await, [("QRIS_IN".into(), 25_000)]);
    shop.wait_until_idle().await;
    assert!(shop.published::<PaymentCompleted>()[0].is_test);
}

#[tokio::test]
async fn the_mock_gateway_pays_after_its_delay() {
    let shop = TestShop::with_settings(Some(QrisSettings::Mock { delay: Duration::from_secs(3) })).await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.advance_and_poll(Duration::from_secs(1)).await;
    shop.advance_and_poll(Duration::from_secs(1)).await;
    assert_eq!(shop.payment(shown.payment_id).await.status, Pending);
    shop.advance_and_poll(Duration::from_secs(2)).await;
    let paid = shop.payment(shown.payment_id).await;
    assert_eq!((paid.status, paid.paid_at), (Paid, Some(shown.created_at + Duration::from_secs(3))));
}

#[tokio::test]
async fn without_a_gateway_qris_is_not_among_the_methods() {
    let shop = TestShop::with_settings(None).await;
    let order_id = shop.place_order(25_000).await;
    let refused = shop.pay_qris(order_id, 25_000).await.problem(409, "method-not-accepted");
    assert!(refused["detail"].as_str().unwrap().contains("Take CASH"));
    assert_eq!(shop.client.get("/api/Payment/methods").await.expect(200), json!({ "methods": ["CASH"] }));
}

#[tokio::test]
async fn with_a_gateway_both_methods_are_available() {
    let shop = TestShop::new().await;
    assert_eq!(shop.client.get("/api/Payment/methods").await.expect(200), json!({ "methods": ["CASH", "QRIS"] }));
}

#[tokio::test]
async fn a_qr_takes_no_cash_and_no_other_amount() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let mut request = qris(order_id, 25_000);
    request["tendered"] = json!(25_000);
    let _ = shop.client.post("/api/Payment", request).await.problem(422, "tender-not-allowed");
    let _ = shop.pay_qris(order_id, 24_999).await.problem(409, "amount-mismatch");
    let free = shop.place_order(0).await;
    let _ = shop.pay_qris(free, 0).await.problem(422, "nothing-to-pay");
    assert_eq!(shop.gateway.charges_created(), 0);
}

#[tokio::test]
async fn an_order_has_one_qr_on_the_screen() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let first = shop.show_qr(order_id, 25_000).await;
    let again = shop.show_qr(order_id, 25_000).await;
    assert_eq!(first.payment_id, again.payment_id);
    assert_eq!(shop.gateway.charges_created(), 1);
}

#[tokio::test]
async fn two_tablets_that_ask_at_once_show_the_same_qr() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let (left, right) = tokio::join!(shop.show_qr(order_id, 25_000), shop.show_qr(order_id, 25_000));
    assert_eq!(left.payment_id, right.payment_id);
    assert_eq!(shop.statuses(order_id).await, [Pending]);
}

#[tokio::test]
async fn a_qr_that_was_paid_meanwhile_is_found_before_another_is_shown() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    let answer = shop.show_qr(order_id, 25_000).await;
    assert_eq!((answer.payment_id, answer.status), (shown.payment_id, Paid));
    assert_eq!(shop.gateway.charges_created(), 1);
}

#[tokio::test]
async fn an_expired_qr_is_replaced() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let first = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&first, ChargeStatus::Expired);
    let second = shop.show_qr(order_id, 25_000).await;
    assert_ne!(first.payment_id, second.payment_id);
    assert_eq!(shop.statuses(order_id).await, [Pending, Expired]);
    // Also where only our clock knows that it is over.
    shop.world.clock.advance(CHARGE_TTL);
    assert_ne!(shop.show_qr(order_id, 25_000).await.payment_id, second.payment_id);
}

#[tokio::test]
async fn a_qr_that_the_gateway_refused_is_replaced() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let first = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&first, ChargeStatus::Failed);
    let _ = shop.show_qr(order_id, 25_000).await;
    assert_eq!(shop.statuses(order_id).await, [Pending, Failed]);
}

#[tokio::test]
async fn no_second_qr_is_shown_while_the_status_of_the_first_is_unknown() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    shop.gateway.set_unavailable();
    let _ = shop.pay_qris(order_id, 25_000).await.problem(503, "gateway-unavailable");
    assert!(shop.balances().await.is_empty());
    shop.gateway.set_available();
    let _ = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_unavailable();
    let _ = shop.pay_qris(order_id, 25_000).await.problem(503, "gateway-unavailable");
    assert_eq!(shop.statuses(order_id).await, [Pending]);
}

#[tokio::test]
async fn a_guest_who_paid_the_qr_does_not_pay_cash_as_well() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    let refused = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "already-paid");
    assert_eq!(refused["context"]["paymentId"], json!(shown.payment_id));
    assert_eq!(shop.statuses(order_id).await, [Paid]);
}

#[tokio::test]
async fn cash_is_taken_while_the_gateway_is_unavailable_and_the_qr_expires() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let _ = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_unavailable();
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    assert_eq!(shop.statuses(order_id).await, [Paid, Expired]);
}

#[tokio::test]
async fn a_gateway_that_hangs_does_not_hold_up_the_till() {
    let shop = TestShop::with_gateway_timeout(World::new().await, Duration::from_millis(200)).await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.stop_answering();
    let _ = shop.pay_qris(order_id, 25_000).await.problem(503, "gateway-unavailable");
    let confirm = format!("/api/Payment/{}/confirm", shown.payment_id);
    let _ = shop.client.post(&confirm, json!({})).await.problem(409, "reference-required");
    shop.advance_and_poll(Duration::from_secs(2)).await;
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    assert_eq!(shop.statuses(order_id).await, [Paid, Expired]);

    let another = shop.place_order(18_000).await;
    let _ = shop.pay_qris(another, 18_000).await.problem(503, "gateway-unavailable");
    assert!(shop.statuses(another).await.is_empty(), "no QR was made");
}

#[tokio::test]
async fn the_same_request_sent_again_is_the_same_qr() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let first = shop.client.post_with_key("/api/Payment", "tap-1", qris(order_id, 25_000)).await.expect(201);
    let again = shop.client.post_with_key("/api/Payment", "tap-1", qris(order_id, 25_000)).await.expect(201);
    assert_eq!(first["paymentId"], again["paymentId"]);
    assert_eq!(shop.gateway.charges_created(), 1);
}

#[tokio::test]
async fn the_qr_of_a_revived_order_is_shown_again() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.orders.set_status(order_id, OrderStatus::Expired, 2);
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
    let _ = shop.pay_qris(order_id, 25_000).await.problem(409, "order-expired");

    shop.world.clock.advance(Duration::from_secs(60));
    shop.orders.set_status(order_id, OrderStatus::Pending, 3);
    let again = shop.show_qr(order_id, 25_000).await;
    assert_eq!((again.payment_id, again.status), (shown.payment_id, Pending));
    // Its event arrives after the tap.
    shop.world.publish(&OrderRevived(shop.placed_order(order_id, 3, 25_000))).await;
    assert_eq!(shop.statuses(order_id).await, [Pending], "the guest looks at it");
    assert_eq!(shop.gateway.charges_created(), 1);
}

#[tokio::test]
async fn a_qr_on_the_screen_survives_late_events_of_the_orders_past() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let _ = shop.show_qr(order_id, 25_000).await;
    // It expired and was revived; neither event has arrived when the cashier taps again.
    shop.orders.set_status(order_id, OrderStatus::Pending, 3);
    let _ = shop.show_qr(order_id, 25_000).await;
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    shop.world.publish(&OrderRevived(shop.placed_order(order_id, 3, 25_000))).await;
    assert_eq!(shop.statuses(order_id).await, [Pending], "the guest looks at it");
}

#[tokio::test]
async fn a_tablet_that_would_show_an_old_qr_beside_a_newer_one_shows_the_newer_one() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let old = shop.show_qr(order_id, 25_000).await;
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    shop.orders.set_status(order_id, OrderStatus::Pending, 3);
    shop.world.publish(&OrderRevived(shop.placed_order(order_id, 3, 25_000))).await;

    let (called, answer) = shop.gateway.hold_next_status_call();
    let other_tablet = async {
        called.await.unwrap();
        shop.gateway.set_status(&old, ChargeStatus::Expired);
        let newer = shop.show_qr(order_id, 25_000).await;
        answer.send(ChargeStatus::Pending).unwrap();
        newer
    };
    let (shown, newer) = tokio::join!(shop.show_qr(order_id, 25_000), other_tablet);
    assert_ne!(newer.payment_id, old.payment_id);
    assert_eq!(shown.payment_id, newer.payment_id);
    assert_eq!(shop.statuses(order_id).await, [Pending, Expired]);
}
