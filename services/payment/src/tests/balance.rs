//! Random requests at the same time: at the end the books balance.

use std::collections::{HashMap, HashSet};

use contracts::{
    event::{PaymentCompleted, PaymentOrphaned},
    ids::{OrderId, PaymentId},
    payment::{PaymentMethod, PaymentStatus, PaymentView},
};
use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use super::shop::{TestShop, cash, qris};
use crate::gateways::ChargeStatus;

const ORDERS: usize = 12;
const ROUNDS: usize = 12;
const TAPS_PER_ROUND: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_payments_at_once_pay_an_order_once_and_the_ledger_adds_up() {
    let mut random = StdRng::seed_from_u64(testkit::seed());
    let shop = TestShop::new().await;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        let total = random.random_range(1_000..200_000);
        orders.push((shop.place_order(total).await, total));
    }

    let mut orphans = HashSet::new();
    for _ in 0..ROUNDS {
        let taps = (0..TAPS_PER_ROUND).map(|_| {
            let (order_id, total) = orders[random.random_range(0..ORDERS)];
            tap(&shop, order_id, total, random.random_range(0..100), random.random_range(0..4))
        });
        join_all(taps.collect::<Vec<_>>()).await;
        some_guests_pay(&shop, &mut random).await;
        order_refuses_some_money(&shop, &mut random, &mut orphans).await;
        shop.advance_and_poll(std::time::Duration::from_secs(random.random_range(0..120))).await;
    }
    // The last money arrives.
    shop.advance_and_poll(std::time::Duration::from_secs(3_600)).await;
    shop.wait_until_idle().await;

    let balances = shop.balances().await;
    let mut paid: HashMap<OrderId, u32> = HashMap::new();
    for (payment, balance) in &balances {
        match payment.status {
            PaymentStatus::Paid => {
                *paid.entry(payment.order_id).or_default() += 1;
                assert_eq!(*balance, payment.due.minor, "{payment:?}");
            }
            PaymentStatus::RefundDue => assert_eq!(*balance, payment.due.minor, "{payment:?}"),
            PaymentStatus::Pending | PaymentStatus::Failed | PaymentStatus::Expired => assert_eq!(*balance, 0),
        }
    }
    assert!(paid.values().all(|count| *count == 1), "{paid:?}");
    let published = shop.published::<PaymentCompleted>();
    assert_eq!(published.len(), paid.len() + orphans.len(), "each payment that paid an order is published once");
    for due in shop.amounts_due().await {
        let payer = balances.iter().find(|(payment, _)| Some(payment.payment_id) == due.paid_payment_id);
        assert_eq!(payer.is_some(), paid.contains_key(&due.order_id), "{due:?}");
        assert!(payer.is_none_or(|(payment, _)| payment.status == PaymentStatus::Paid), "{due:?}");
    }
}

/// Somebody taps something on some tablet.
async fn tap(shop: &TestShop, order_id: OrderId, total: i64, what: u32, key: u32) {
    let key = format!("{order_id}-{key}");
    let answer = match what {
        0..40 => shop.client.post("/api/Payment", cash(order_id, total, 200_000)).await,
        40..55 => shop.client.post_with_key("/api/Payment", &key, cash(order_id, total, 200_000)).await,
        55..85 => shop.client.post("/api/Payment", qris(order_id, total)).await,
        85..95 => shop.client.post_with_key("/api/Payment", &format!("qr-{key}"), qris(order_id, total)).await,
        _ => {
            let payments: Vec<PaymentView> = shop.client.get(&format!("/api/Payment/order/{order_id}")).await.read(200);
            let Some(newest) = payments.first() else { return };
            shop.client.post(&format!("/api/Payment/{}/confirm", newest.payment_id), json!({})).await
        }
    };
    assert!(matches!(answer.status.as_u16(), 200 | 201 | 409), "{}: {:#}", answer.status, answer.body);
}

/// Guests pay some of the QR codes that they were ever shown, also expired ones.
async fn some_guests_pay(shop: &TestShop, random: &mut StdRng) {
    let at = shop.world.clock.now();
    for (payment, _) in shop.balances().await {
        if payment.method == PaymentMethod::Qris && random.random_bool(0.3) {
            shop.gateway.set_status(&payment.view(), ChargeStatus::Paid { at });
        }
    }
}

/// Order does not take some of the money, and is to be paid again.
async fn order_refuses_some_money(shop: &TestShop, random: &mut StdRng, orphans: &mut HashSet<PaymentId>) {
    shop.wait_until_idle().await;
    for PaymentCompleted { order_id, payment_id, .. } in shop.published() {
        if random.random_bool(0.2) && orphans.insert(payment_id) {
            shop.world.publish(&PaymentOrphaned { order_id, payment_id, reason: "Of another day.".into() }).await;
        }
    }
}
