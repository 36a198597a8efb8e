use std::time::Duration;

use contracts::{
    event::{OrderCancelled, OrderExpired, PaymentCompleted, PaymentOrphaned},
    order::OrderStatus,
    payment::PaymentStatus::{Expired, Failed, Paid, Pending, RefundDue},
};

use db::DbError;

use super::shop::TestShop;
use crate::gateways::ChargeStatus;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn qris_money_is_found_by_polling() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    let paid_at = shop.world.clock.now() + Duration::from_secs(2);
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: paid_at });
    shop.advance_and_poll(MINUTE).await;
    let paid = shop.payment(shown.payment_id).await;
    assert_eq!((paid.status, paid.paid_at), (Paid, Some(paid_at)));
    assert_eq!(shop.published::<PaymentCompleted>()[0].paid_at, paid_at);
}

#[tokio::test]
async fn a_payment_stays_pending_while_the_gateway_is_unavailable() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_unavailable();
    shop.advance_and_poll(MINUTE).await;
    shop.advance_and_poll(30 * 60 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Pending]);
    shop.gateway.set_available();
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(15 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Paid]);
}

#[tokio::test]
async fn a_payment_that_the_gateway_refused_is_failed() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Failed);
    shop.advance_and_poll(MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Failed]);
}

#[tokio::test]
async fn late_money_for_an_expired_order_is_published_so_that_order_can_decide() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    shop.advance_and_poll(MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(15 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Paid]);
    assert_eq!(shop.published::<PaymentCompleted>().len(), 1);
}

#[tokio::test]
async fn late_money_is_polled_for_during_one_day() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.advance_and_poll(24 * 60 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(24 * 60 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
}

#[tokio::test]
async fn a_second_payment_for_a_paid_order_must_be_refunded() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    let _ = shop.pay_cash(order_id, 25_000, 50_000).await.expect(201);
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(MINUTE).await;
    let second = shop.payment(shown.payment_id).await;
    assert_eq!(second.status, RefundDue);
    assert!(second.refund_reason.unwrap().contains("already paid"));
    assert_eq!(shop.transactions(shown.payment_id).await, [("QRIS_IN".into(), 25_000)]);
    assert_eq!(shop.published::<PaymentCompleted>().len(), 1, "the order is paid once");
}

#[tokio::test]
async fn an_orphaned_payment_must_be_refunded_and_the_order_can_be_paid_again() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(MINUTE).await;
    let reason = "The order was of another day.".to_owned();
    shop.world.publish(&PaymentOrphaned { order_id, payment_id: shown.payment_id, reason: reason.clone() }).await;

    let orphan = shop.payment(shown.payment_id).await;
    assert_eq!((orphan.status, orphan.refund_reason), (RefundDue, Some(reason)));
    let receipt = shop.client.get(&format!("/internal/Payment/receipt/{order_id}")).await.expect(200);
    assert!(receipt.is_null(), "the order is not paid");

    // Staff revive the order, and it is paid anew.
    shop.orders.set_status(order_id, OrderStatus::Pending, 3);
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    assert_eq!(shop.statuses(order_id).await, [Paid, RefundDue]);
}

#[tokio::test]
async fn an_orphaned_payment_and_a_cancellation_may_arrive_in_either_order() {
    for orphan_first in [true, false] {
        let shop = TestShop::new().await;
        let order_id = shop.place_order(25_000).await;
        let shown = shop.show_qr(order_id, 25_000).await;
        shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
        shop.advance_and_poll(MINUTE).await;
        let orphaned = PaymentOrphaned { order_id, payment_id: shown.payment_id, reason: "Cancelled.".into() };
        let cancelled = OrderCancelled { order_id, order_version: 2, cups: 0, reason: "Changed their mind.".into() };
        if orphan_first {
            shop.world.publish(&orphaned).await;
            shop.world.publish(&cancelled).await;
        } else {
            shop.world.publish(&cancelled).await;
            shop.world.publish(&orphaned).await;
        }
        assert_eq!(shop.statuses(order_id).await, [RefundDue]);
        let due = shop.amounts_due().await;
        assert_eq!((due[0].is_open, due[0].paid_payment_id), (false, None));
        shop.world.redeliver_all_shuffled(7).await;
        assert_eq!(shop.amounts_due().await, due);
    }
}

#[tokio::test]
async fn a_qr_of_a_removed_gateway_expires_after_a_day() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    shop.show_qr(order_id, 25_000).await;
    let shop = shop.reopened_without_gateway().await;
    shop.advance_and_poll(MINUTE).await;
    assert!(shop.balances().await[0].0.next_poll_at.is_some());
    shop.advance_and_poll(24 * 60 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
    assert_eq!(shop.balances().await[0].0.next_poll_at, None);
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_for_a_month_is_not_polled_any_more() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_unavailable();
    shop.advance_and_poll(29 * 24 * 60 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Pending]);
    shop.advance_and_poll(24 * 60 * MINUTE).await;
    assert_eq!(shop.statuses(order_id).await, [Expired]);
    assert_eq!(shop.balances().await[0].0.next_poll_at, None);
}

#[tokio::test]
async fn qris_money_is_found_after_a_clock_that_ran_ahead_was_set_back() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let shown = shop.show_qr(order_id, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    // As if the clock had been a day ahead when the QR code was shown.
    let run_ahead = "
        UPDATE payments SET created_at = created_at + 86400000000, next_poll_at = next_poll_at + 86400000000";
    shop.db.write::<_, DbError, _>(move |tx| tx.execute(run_ahead, ())).await.unwrap();
    shop.advance_and_poll(Duration::from_secs(1)).await;
    assert_eq!(shop.statuses(order_id).await, [Paid]);
}

#[tokio::test]
async fn completed_payments_and_due_refunds_are_counted() {
    let shop = TestShop::new().await;
    let [by_cash, by_qr] = [shop.place_order(25_000).await, shop.place_order(25_000).await];
    let shown = shop.show_qr(by_cash, 25_000).await;
    let _ = shop.pay_cash(by_cash, 25_000, 25_000).await.expect(201);
    // The guest pays the QR code as well.
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    let shown = shop.show_qr(by_qr, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(MINUTE).await;
    let orphaned = PaymentOrphaned { order_id: by_qr, payment_id: shown.payment_id, reason: "Cancelled.".into() };
    shop.world.publish(&orphaned).await;
    shop.world.redeliver_all_shuffled(7).await;

    let metrics = shop.client.get("/metrics").await.body.as_str().unwrap_or_default().to_owned();
    for line in [
        "payments_completed_total{method=\"CASH\"} 1",
        "payments_completed_total{method=\"QRIS\"} 1",
        "payments_refund_due_total 2",
    ] {
        assert!(metrics.lines().any(|shown| shown == line), "{line} is not in:\n{metrics}");
    }
}
