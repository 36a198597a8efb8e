//! Random commands at once; at the end the books balance.

use std::collections::{HashMap, HashSet};

use contracts::{
    event::{PaymentCompleted, PaymentOrphaned},
    ids::{OrderId, PaymentId},
    payment::{PaymentMethod, PaymentStatus, PaymentView},
};
use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use super::set_up::{Till, cash, qris};
use crate::gateways::ChargeStatus;

const ORDERS: usize = 12;
const ROUNDS: usize = 12;
const TAPS_PER_ROUND: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_pay_at_once_an_order_is_paid_once_and_the_ledger_adds_up() {
    let mut random = StdRng::seed_from_u64(testkit::seed());
    let till = Till::new().await;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        let total = random.random_range(1_000..200_000);
        orders.push((till.placed(total).await, total));
    }

    let mut orphans = HashSet::new();
    for _ in 0..ROUNDS {
        let taps = (0..TAPS_PER_ROUND).map(|_| {
            let (order_id, total) = orders[random.random_range(0..ORDERS)];
            tap(&till, order_id, total, random.random_range(0..100), random.random_range(0..4))
        });
        join_all(taps.collect::<Vec<_>>()).await;
        some_guests_pay(&till, &mut random).await;
        order_turns_some_money_away(&till, &mut random, &mut orphans).await;
        till.pass(std::time::Duration::from_secs(random.random_range(0..120))).await;
    }
    // The last money comes in.
    till.pass(std::time::Duration::from_secs(3_600)).await;
    till.world.wait_until_idle().await;

    let ledger = till.ledger().await;
    let mut paid: HashMap<OrderId, u32> = HashMap::new();
    for (payment, moved) in &ledger {
        match payment.status {
            PaymentStatus::Paid => {
                *paid.entry(payment.order_id).or_default() += 1;
                assert_eq!(*moved, payment.due.minor, "{payment:?}");
            }
            PaymentStatus::RefundDue => assert_eq!(*moved, payment.due.minor, "{payment:?}"),
            PaymentStatus::Pending | PaymentStatus::Failed | PaymentStatus::Expired => assert_eq!(*moved, 0),
        }
    }
    assert!(paid.values().all(|count| *count == 1), "{paid:?}");
    let said = till.world.published::<PaymentCompleted>();
    assert_eq!(said.len(), paid.len() + orphans.len(), "each payment that paid an order is said once");
    for due in till.amounts_due().await {
        let payer = ledger.iter().find(|(payment, _)| Some(payment.payment_id) == due.paid_payment_id);
        assert_eq!(payer.is_some(), paid.contains_key(&due.order_id), "{due:?}");
        assert!(payer.is_none_or(|(payment, _)| payment.status == PaymentStatus::Paid), "{due:?}");
    }
}

/// Someone taps something at some till.
async fn tap(till: &Till, order_id: OrderId, total: i64, what: u32, key: u32) {
    let key = format!("{order_id}-{key}");
    let answer = match what {
        0..40 => till.client.post("/api/Payment", cash(order_id, total, 200_000)).await,
        40..55 => till.client.post_with_key("/api/Payment", &key, cash(order_id, total, 200_000)).await,
        55..85 => till.client.post("/api/Payment", qris(order_id, total)).await,
        85..95 => till.client.post_with_key("/api/Payment", &format!("qr-{key}"), qris(order_id, total)).await,
        _ => {
            let payments: Vec<PaymentView> = till.client.get(&format!("/api/Payment/order/{order_id}")).await.read(200);
            let Some(newest) = payments.first() else { return };
            till.client.post(&format!("/api/Payment/{}/confirm", newest.payment_id), json!({})).await
        }
    };
    assert!(matches!(answer.status.as_u16(), 200 | 201 | 409), "{}: {:#}", answer.status, answer.body);
}

/// Guests pay some of the QRs that they were ever shown, also those that were given up.
async fn some_guests_pay(till: &Till, random: &mut StdRng) {
    let at = till.world.clock.now();
    for (payment, _) in till.ledger().await {
        if payment.method == PaymentMethod::Qris && random.random_bool(0.3) {
            till.gateway.says(&payment.view(), ChargeStatus::Paid { at });
        }
    }
}

/// Order cannot take some of the money that paid it, and is to be paid again.
async fn order_turns_some_money_away(till: &Till, random: &mut StdRng, orphans: &mut HashSet<PaymentId>) {
    till.world.wait_until_idle().await;
    for PaymentCompleted { order_id, payment_id, .. } in till.world.published() {
        if random.random_bool(0.2) && orphans.insert(payment_id) {
            till.world.publish(&PaymentOrphaned { order_id, payment_id, reason: "Of another day.".into() }).await;
        }
    }
}
