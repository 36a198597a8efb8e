use contracts::{
    event::{OrderCancelled, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted},
    payment::PaymentStatus::Expired,
};

use super::set_up::{CUPS, Till};
use crate::gateways::ChargeStatus;

#[tokio::test]
async fn an_orders_events_end_the_same_in_every_order_and_twice() {
    for (seed, order) in (0..).zip(testkit::permutations(&[0, 1, 2, 3])) {
        let till = Till::new().await;
        // Paid for by QR while only Order knew of it.
        let order_id = till.orders.place(25_000, till.world.clock.now());
        let _ = till.shown(order_id, 25_000).await;
        till.world.clock.advance(std::time::Duration::from_secs(60));
        let revived = till.event(order_id, 3, 25_000);
        let cancelled = OrderCancelled { order_id, order_version: 4, cups: 0, reason: "Shut.".into() };
        for event in &order {
            match event {
                0 => till.world.publish(&OrderCreated(till.event(order_id, 1, 25_000))).await,
                1 => till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await,
                2 => till.world.publish(&OrderRevived(revived.clone())).await,
                _ => till.world.publish(&cancelled).await,
            }
        }
        till.world.redeliver_all_shuffled(seed).await;
        let due = &till.amounts_due().await[0];
        assert_eq!((due.order_version, due.is_open, due.paid_payment_id), (4, false, None), "{order:?}");
        assert_eq!(due.total.unwrap().minor, 25_000);
        assert_eq!(till.statuses(order_id).await, [Expired], "{order:?}");
    }
}

#[tokio::test]
async fn a_revived_order_is_open_in_every_order_of_its_events() {
    for order in testkit::permutations(&[0, 1, 2]) {
        let till = Till::new().await;
        let order_id = till.orders.place(25_000, till.world.clock.now());
        let _ = till.shown(order_id, 25_000).await;
        till.world.clock.advance(std::time::Duration::from_secs(60));
        for event in &order {
            match event {
                0 => till.world.publish(&OrderCreated(till.event(order_id, 1, 25_000))).await,
                1 => till.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await,
                _ => till.world.publish(&OrderRevived(till.event(order_id, 3, 25_000))).await,
            }
        }
        let due = &till.amounts_due().await[0];
        assert_eq!((due.order_version, due.is_open), (3, true), "{order:?}");
        assert_eq!(till.statuses(order_id).await, [Expired], "{order:?}");
    }
}

#[tokio::test]
async fn an_order_whose_end_was_heard_first_is_known_whole_at_last() {
    let till = Till::new().await;
    let order_id = till.orders.place(25_000, till.world.clock.now());
    till.world.publish(&OrderCancelled { order_id, order_version: 2, cups: 0, reason: "Shut.".into() }).await;
    assert_eq!(till.amounts_due().await[0].total, None);
    till.orders.go_away();
    let _ = till.pay_cash(order_id, 25_000, 25_000).await.problem(503, "order-away");
    till.world.publish(&OrderCreated(till.event(order_id, 1, 25_000))).await;
    let _ = till.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closed");
}

#[tokio::test]
async fn whoever_hears_of_money_hears_how_many_cups_it_pays_whether_order_or_the_note_said_so() {
    let till = Till::new().await;
    let [by_cash, by_qr, by_note] = [till.placed(25_000).await, till.placed(25_000).await, till.placed(25_000).await];
    let _ = till.pay_cash(by_cash, 25_000, 25_000).await.expect(201);
    let shown = till.shown(by_qr, 25_000).await;
    till.gateway.says(&shown, ChargeStatus::Paid { at: till.world.clock.now() });
    till.pass(std::time::Duration::from_secs(60)).await;
    till.orders.go_away();
    let _ = till.pay_cash(by_note, 25_000, 25_000).await.expect(201);
    till.world.wait_until_idle().await;
    let said: Vec<_> =
        till.world.published::<PaymentCompleted>().iter().map(|paid| (paid.order_id, paid.cups)).collect();
    assert_eq!(said, [by_cash, by_qr, by_note].map(|order_id| (order_id, CUPS)));
}
