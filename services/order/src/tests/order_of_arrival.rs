//! Events come in any order, and twice: the order ends the same.

use contracts::{
    event::{CodesIssued, DispenseCompleted, DispenseFailed},
    order::OrderStatus,
    qr::CodeStatus,
};
use proptest::test_runner::{Config, TestRunner};

use super::shop::{TestShop, cup};

#[test]
fn what_machines_and_money_say_ends_the_same_in_every_order() {
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

/// Two cups: the first fails, is given back and is poured; the second is poured at once. Every event comes twice.
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
    shop.world.settle().await;
    let order = shop.order(order.order_id).await;
    assert_eq!(order.status, OrderStatus::Completed, "after {steps:?}");
    assert_eq!((order.items[0].poured, order.items[0].in_review), (2, 0), "after {steps:?}");
}
