use std::time::Duration;

use contracts::{
    event::{OrderCancelled, OrderExpired, PaymentCompleted, PaymentOrphaned},
    order::OrderStatus,
    payment::PaymentStatus::{Expired, Failed, Paid, Pending, RefundDue},
};

use super::set_up::Till;
use crate::gateways::ChargeStatus;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn money_is_found_without_anyone_asking_for_it() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    let paid_at = till.world.clock.now() + Duration::from_secs(2);
    till.gateway.says(&shown, ChargeStatus::Paid { at: paid_at });
    till.pass(MINUTE).await;
    let paid = till.payment(shown.payment_id).await;
    assert_eq!((paid.status, paid.paid_at), (Paid, Some(paid_at)));
    assert_eq!(till.world.published::<PaymentCompleted>()[0].paid_at, paid_at);
}

#[tokio::test]
async fn a_gateway_that_is_away_means_pending_and_never_failed() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.goes_away();
    till.pass(MINUTE).await;
    till.pass(30 * 60 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Pending]);
    till.gateway.comes_back();
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    till.pass(15 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Paid]);
}

#[tokio::test]
async fn a_refused_qr_is_failed() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.gateway.says(&shown, ChargeStatus::Failed);
    till.pass(MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Failed]);
}

#[tokio::test]
async fn late_money_for_an_expired_order_is_found_and_said_so_that_order_can_decide() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    till.pass(MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Expired]);
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    till.pass(15 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Paid]);
    assert_eq!(till.world.published::<PaymentCompleted>().len(), 1);
}

#[tokio::test]
async fn late_money_is_looked_for_for_a_day_and_no_longer() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.pass(24 * 60 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Expired]);
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    till.pass(24 * 60 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Expired]);
}

#[tokio::test]
async fn a_second_payment_for_a_paid_order_is_to_be_given_back() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    let _ = till.pay_cash(order_id, 25_000, 50_000).await.expect(201);
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    till.pass(MINUTE).await;
    let second = till.payment(shown.payment_id).await;
    assert_eq!(second.status, RefundDue);
    assert!(second.refund_reason.unwrap().contains("already paid"));
    assert_eq!(till.movements(shown.payment_id).await, [("QRIS_IN".into(), 25_000)]);
    assert_eq!(till.world.published::<PaymentCompleted>().len(), 1, "the order is paid once");
}

#[tokio::test]
async fn money_that_its_order_cannot_take_goes_back_and_the_order_can_be_paid_again() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let shown = till.shown(order_id, 25_000).await;
    till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await;
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    till.pass(MINUTE).await;
    let reason = "The order was of another day.".to_owned();
    till.world.publish(&PaymentOrphaned { order_id, payment_id: shown.payment_id, reason: reason.clone() }).await;

    let orphan = till.payment(shown.payment_id).await;
    assert_eq!((orphan.status, orphan.refund_reason), (RefundDue, Some(reason)));
    let receipt = till.client.get(&format!("/internal/Payment/receipt/{order_id}")).await.expect(200);
    assert!(receipt.is_null(), "the order is not paid");

    // Staff revive the order, and it is paid anew.
    till.orders.set(order_id, OrderStatus::Pending, 3);
    let _ = till.pay_cash(order_id, 25_000, 25_000).await.expect(201);
    assert_eq!(till.statuses(order_id).await, [Paid, RefundDue]);
}

#[tokio::test]
async fn an_orphan_heard_before_the_cancellation_ends_the_same() {
    for orphan_first in [true, false] {
        let till = Till::new().await;
        let order_id = till.placed(25_000).await;
        let shown = till.shown(order_id, 25_000).await;
        till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
        till.pass(MINUTE).await;
        let orphaned = PaymentOrphaned { order_id, payment_id: shown.payment_id, reason: "Cancelled.".into() };
        let cancelled = OrderCancelled { order_id, order_version: 2, cups: 0, reason: "Changed their mind.".into() };
        if orphan_first {
            till.world.publish(&orphaned).await;
            till.world.publish(&cancelled).await;
        } else {
            till.world.publish(&cancelled).await;
            till.world.publish(&orphaned).await;
        }
        assert_eq!(till.statuses(order_id).await, [RefundDue]);
        let due = till.amounts_due().await;
        assert_eq!((due[0].is_open, due[0].paid_payment_id), (false, None));
        till.world.redeliver_all_shuffled(7).await;
        assert_eq!(till.amounts_due().await, due);
    }
}

#[tokio::test]
async fn a_qr_of_a_gateway_that_the_shop_left_is_not_asked_about_for_ever() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    till.shown(order_id, 25_000).await;
    let till = till.leaves_its_gateway().await;
    till.pass(MINUTE).await;
    assert!(till.ledger().await[0].0.next_check_at.is_some());
    till.pass(24 * 60 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Expired]);
    assert_eq!(till.ledger().await[0].0.next_check_at, None);
}

#[tokio::test]
async fn a_gateway_that_is_silent_for_a_month_is_not_asked_any_more() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    till.shown(order_id, 25_000).await;
    till.gateway.goes_away();
    till.pass(29 * 24 * 60 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Pending]);
    till.pass(24 * 60 * MINUTE).await;
    assert_eq!(till.statuses(order_id).await, [Expired]);
    assert_eq!(till.ledger().await[0].0.next_check_at, None);
}
