//! Events come in any order, and twice: the order ends the same.

use std::time::Duration;

use contracts::{
    event::{CodesIssued, DispenseCompleted, DispenseFailed, PaymentOrphaned},
    ids::{OrderId, PaymentId},
    order::OrderStatus,
    qr::CodeStatus,
};
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::shop::{Inventory, TestShop, cup};

#[test]
fn an_order_ends_the_same_in_whatever_order_events_arrive() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let steps = proptest::sample::subsequence((0..10_usize).collect::<Vec<_>>(), 10);
    let shuffled = proptest::strategy::Strategy::prop_shuffle(steps);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    runner
        .run(&shuffled, |steps| {
            runtime.block_on(deliver(&steps));
            Ok(())
        })
        .unwrap();
}

/// Two cups: the first fails, becomes active again and is poured; the second is poured at once. Every event comes
/// twice.
async fn deliver(steps: &[usize]) {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(2)).await;
    let payment = super::shop::payment_of(&order, shop.world.clock.now());
    let codes = |unit, status, version| CodesIssued {
        order_id: order.order_id,
        codes: vec![cup(&order, unit, status, version)],
    };
    for step in steps {
        match step / 2 {
            0 => shop.world.publish(&payment).await,
            1 => shop.world.publish(&codes(1, CodeStatus::Active, 4)).await,
            2 => {
                let code = cup(&order, 1, CodeStatus::Review, 3);
                shop.world.publish(&DispenseFailed { code, outcome: None, poured_ms: None }).await;
            }
            3 => {
                let code = cup(&order, 1, CodeStatus::Used, 6);
                shop.world.publish(&DispenseCompleted { code, poured_ms: None }).await;
            }
            _ => {
                let code = cup(&order, 2, CodeStatus::Used, 3);
                shop.world.publish(&DispenseCompleted { code, poured_ms: None }).await;
            }
        }
    }
    shop.world.wait_until_idle().await;
    let order = shop.order(order.order_id).await;
    assert_eq!(order.status, OrderStatus::Completed, "after {steps:?}");
    assert_eq!((order.items[0].poured, order.items[0].in_review), (2, 0), "after {steps:?}");
    nothing_changes_if_every_event_is_delivered_again(&shop, order.order_id).await;
}

/// The same events again, shuffled: the inbox has them.
async fn nothing_changes_if_every_event_is_delivered_again(shop: &TestShop, order_id: OrderId) {
    let before = (shop.order(order_id).await, orphaned(shop), shop.reservations.lock().unwrap().clone());
    shop.world.redeliver_all_shuffled(before.0.version.unsigned_abs()).await;
    let after = (shop.order(order_id).await, orphaned(shop), shop.reservations.lock().unwrap().clone());
    assert_eq!(after, before);
}

fn orphaned(shop: &TestShop) -> Vec<PaymentId> {
    shop.world.published::<PaymentOrphaned>().iter().map(|orphaned| orphaned.payment_id).collect()
}

/// What may happen to an order around its expiry.
#[derive(Clone, Copy, Debug)]
enum Step {
    Expires,
    Payment,
    StaffRevive,
    StaffCancel,
    RunsOut,
    IsRestocked,
}

#[test]
fn each_payment_around_an_expiry_pays_once_or_is_refunded() {
    const STEPS: [Step; 6] =
        [Step::Expires, Step::Payment, Step::StaffRevive, Step::StaffCancel, Step::RunsOut, Step::IsRestocked];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let steps = proptest::collection::vec(proptest::sample::select(&STEPS[..]), 3..10);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    runner
        .run(&steps, |steps| {
            runtime.block_on(run_steps(&steps));
            Ok(())
        })
        .unwrap();
}

async fn run_steps(steps: &[Step]) {
    let shop = TestShop::open().await;
    let order = shop.place(shop.croissant_order()).await;
    let path = format!("/api/Order/{}", order.order_id);
    let mut payments = Vec::new();
    // After a late payment was refunded others know the order as paid: it must not be revived.
    let mut is_over = false;
    let mut before = order.status;
    for step in steps {
        match step {
            Step::Expires => {
                shop.world.clock.advance(Duration::from_secs(30 * 60));
                shop.expire().await;
            }
            Step::Payment => {
                shop.world.clock.advance(Duration::from_secs(1));
                payments.push(shop.pay(&order).await);
            }
            Step::StaffRevive => drop(shop.client.patch(&path, json!({ "status": "PENDING" })).await),
            Step::StaffCancel => drop(shop.client.delete(&format!("{path}?reason=left")).await),
            Step::RunsOut => shop.inventory(Inventory::RanOut),
            Step::IsRestocked => shop.inventory(Inventory::Reserves),
        }
        shop.world.wait_until_idle().await;
        let order = shop.order(order.order_id).await;
        assert!(
            before == order.status || before.can_transition_to(order.status),
            "{before:?} to {:?} by {steps:?}",
            order.status
        );
        before = order.status;
        assert!(!is_over || order.status == OrderStatus::Expired, "{steps:?}");
        is_over = order.status == OrderStatus::Expired && !orphaned(&shop).is_empty();
    }
    let order = shop.order(order.order_id).await;
    let orphaned = orphaned(&shop);
    for payment in &payments {
        let pays = order.paid_at == Some(payment.paid_at);
        let is_refunded = orphaned.iter().filter(|id| **id == payment.payment_id).count();
        assert_eq!(usize::from(pays) + is_refunded, 1, "{payment:?} after {steps:?}");
    }
    assert_eq!(order.paid_at.is_some(), order.status == OrderStatus::Processing, "after {steps:?}");
    nothing_changes_if_every_event_is_delivered_again(&shop, order.order_id).await;
}
