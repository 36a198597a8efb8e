use std::time::Duration;

use contracts::{
    event::{OrderCancelled, OrderExpired, OrderRevived, PaymentCompleted},
    ids::OrderId,
    payment::{
        CLOSE_SECONDS,
        PaymentStatus::{Expired, Paid, Pending},
        PaymentView,
    },
    receipt::ReceiptPayment,
};
use db::DbError;
use serde_json::json;
use testkit::Reply;

use super::shop::{TestShop, cash, qris};
use crate::{QrisSettings, gateways::ChargeStatus};

const CLOSE_TIME: Duration = Duration::from_secs(CLOSE_SECONDS);

/// Order calls this before it closes an order, which will then have this version.
async fn begin_closing(shop: &TestShop, order_id: OrderId, order_version: i64) -> Reply {
    let path = format!("/internal/Payment/order/{order_id}/close");
    shop.client.post(&path, json!({ "orderVersion": order_version })).await
}

async fn is_paid(shop: &TestShop, order_id: OrderId, order_version: i64) -> bool {
    let part: Option<ReceiptPayment> = begin_closing(shop, order_id, order_version).await.read(200);
    part.is_some()
}

/// Lets other tasks run, so that every request is sometimes the first.
async fn yield_times(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_order_that_is_being_closed_cannot_be_paid() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    assert!(!is_paid(&shop, order_id, 2).await);
    let refused = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
    assert!(refused["detail"].as_str().unwrap().contains("A-0001"), "{refused}");
    let _ = shop.pay_qris(order_id, 25_000).await.problem(409, "order-closing");
    assert!(shop.balances().await.is_empty(), "nothing is written");
}

#[tokio::test]
async fn closing_a_paid_order_answers_its_payment() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let paid: PaymentView = shop.pay_cash(order_id, 25_000, 30_000).await.read(201);
    let part: ReceiptPayment = begin_closing(&shop, order_id, 2).await.read(200);
    assert_eq!((part.payment_id, part.paid_at), (paid.payment_id, paid.paid_at.unwrap()));
}

/// The payment read its clock first and reached the database last.
#[tokio::test]
async fn a_payment_that_began_just_before_a_closing_does_not_pass_it() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let began_at = shop.world.clock.now();
    shop.world.clock.advance(Duration::from_micros(1));
    assert!(!is_paid(&shop, order_id, 2).await);
    shop.world.clock.set(began_at);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
    let _ = shop.pay_qris(order_id, 25_000).await.problem(409, "order-closing");
    assert!(shop.balances().await.is_empty(), "nothing is written");
}

#[tokio::test]
async fn a_closing_to_a_version_that_no_closed_order_has_is_refused() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    for version in [i64::MIN, 0, 1] {
        let _ = begin_closing(&shop, order_id, version).await.problem(422, "invalid");
    }
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_payment_and_a_closing_at_the_same_time_exactly_one_succeeds() {
    let shop = TestShop::with_settings(Some(QrisSettings::Mock { delay: Duration::ZERO })).await;
    let (mut paid_first, mut closed_first) = (0, 0);
    for round in 0..100 {
        // Half of the orders are known by their event, half are not.
        let order_id = match round % 2 {
            0 => shop.place_order(25_000).await,
            _ => shop.orders.place(25_000, shop.world.clock.now()),
        };
        let request = if round % 4 < 2 { cash(order_id, 25_000, 25_000) } else { qris(order_id, 25_000) };
        let pay = async {
            yield_times(round % 5).await;
            shop.client.post("/api/Payment", request).await
        };
        let close = async {
            yield_times(round / 5 % 5).await;
            is_paid(&shop, order_id, 2).await
        };
        let (payment, paid) = tokio::join!(pay, close);
        match payment.status.as_u16() {
            201 => paid_first += 1,
            _ => closed_first += 1,
        }
        assert_eq!(payment.status, if paid { 201 } else { 409 }, "round {round}: {:#}", payment.body);
    }
    assert!(paid_first > 0 && closed_first > 0, "{paid_first} paid, {closed_first} closed");
}

#[tokio::test]
async fn an_order_that_is_not_closed_after_all_can_be_paid_ten_seconds_later() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    assert!(!is_paid(&shop, order_id, 2).await);
    shop.world.clock.advance(CLOSE_TIME - Duration::from_micros(1));
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
    shop.world.clock.advance(Duration::from_micros(1));
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_an_order_from_being_paid() {
    let shop = TestShop::new().await;
    let [by_cash, by_qr] = [shop.place_order(25_000).await, shop.place_order(25_000).await];
    for order_id in [by_cash, by_qr] {
        assert!(!is_paid(&shop, order_id, 2).await);
    }
    // As if the clock had been an hour ahead when the closing began.
    let run_ahead = "UPDATE amounts_due SET closing_until = closing_until + 3600000000";
    shop.db.write::<_, DbError, _>(move |tx| tx.execute(run_ahead, ())).await.unwrap();
    let _ = shop.pay_cash(by_cash, 25_000, 25_000).await.expect(201);
    let _ = shop.show_qr(by_qr, 25_000).await;
}

#[tokio::test]
async fn a_cancelled_order_stays_closed_when_the_closing_time_is_over() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    assert!(!is_paid(&shop, order_id, 2).await);
    shop.world.publish(&OrderCancelled { order_id, order_version: 2, cups: 0, reason: "Left.".into() }).await;
    shop.world.clock.advance(CLOSE_TIME);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closed");
}

#[tokio::test]
async fn a_revived_order_can_be_paid_at_once() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    assert!(!is_paid(&shop, order_id, 2).await);
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    shop.world.publish(&OrderRevived(shop.placed_order(order_id, 3, 25_000))).await;
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
}

#[tokio::test]
async fn a_late_revival_does_not_interrupt_the_next_closing() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    assert!(!is_paid(&shop, order_id, 4).await);
    shop.world.publish(&OrderRevived(shop.placed_order(order_id, 3, 25_000))).await;
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
}

#[tokio::test]
async fn an_order_that_payment_does_not_know_yet_can_be_closed_and_is_complete_later() {
    let shop = TestShop::new().await;
    let order_id = shop.orders.place(25_000, shop.world.clock.now());
    assert!(!is_paid(&shop, order_id, 2).await);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
    shop.world.publish(&contracts::event::OrderCreated(shop.placed_order(order_id, 1, 25_000))).await;
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
    shop.orders.set_unavailable();
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closing");
    shop.world.clock.advance(CLOSE_TIME);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
}

#[tokio::test]
async fn qr_money_that_arrives_while_its_order_is_closed_is_recorded() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    assert!(!is_paid(&shop, order_id, 2).await);
    assert_eq!(shop.statuses(order_id).await, [Pending]);
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(Duration::from_secs(1)).await;
    assert_eq!(shop.statuses(order_id).await, [Paid]);
    assert_eq!(shop.published::<PaymentCompleted>().len(), 1, "Order decides what becomes of it");
    assert!(is_paid(&shop, order_id, 2).await);
}

#[tokio::test]
async fn a_pending_qr_expires_when_its_order_is_closed() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let _ = shop.show_qr(order_id, 25_000).await;
    assert!(!is_paid(&shop, order_id, 2).await);
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
}
