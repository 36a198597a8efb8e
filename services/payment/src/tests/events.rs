use contracts::{
    event::{OrderCancelled, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted},
    payment::PaymentStatus::Expired,
};

use super::shop::{CUPS, TestShop};
use crate::gateways::ChargeStatus;

#[tokio::test]
async fn an_orders_events_have_the_same_effect_in_any_order_and_twice() {
    for (seed, order) in (0..).zip(testkit::permutations(&[0, 1, 2, 3])) {
        let shop = TestShop::new().await;
        // Paid for by QR while only Order knew of it.
        let order_id = shop.orders.place_at_kiosk(25_000, shop.world.clock.now());
        let _ = shop.show_qr(order_id, 25_000).await;
        shop.world.clock.advance(std::time::Duration::from_secs(60));
        let revived = shop.placed_order(order_id, 3, 25_000);
        let cancelled = OrderCancelled { order_id, order_version: 4, cups: 0, reason: "Shut.".into() };
        for event in &order {
            match event {
                0 => shop.world.publish(&OrderCreated(shop.placed_order(order_id, 1, 25_000))).await,
                1 => shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await,
                2 => shop.world.publish(&OrderRevived(revived.clone())).await,
                _ => shop.world.publish(&cancelled).await,
            }
        }
        shop.world.redeliver_all_shuffled(seed).await;
        let due = &shop.amounts_due().await[0];
        assert_eq!((due.order_version, due.is_open, due.paid_payment_id), (4, false, None), "{order:?}");
        assert_eq!(due.total.unwrap().minor, 25_000);
        assert_eq!(due.device_id, Some(testkit::device_id(contracts::device::DeviceKind::Kiosk)));
        assert_eq!(shop.statuses(order_id).await, [Expired], "{order:?}");
    }
}

#[tokio::test]
async fn a_revived_order_is_open_whatever_the_order_of_its_events() {
    for order in testkit::permutations(&[0, 1, 2]) {
        let shop = TestShop::new().await;
        let order_id = shop.orders.place(25_000, shop.world.clock.now());
        let _ = shop.show_qr(order_id, 25_000).await;
        shop.world.clock.advance(std::time::Duration::from_secs(60));
        for event in &order {
            match event {
                0 => shop.world.publish(&OrderCreated(shop.placed_order(order_id, 1, 25_000))).await,
                1 => shop.world.publish(&OrderExpired { order_id, order_version: 2, cups: 0 }).await,
                _ => shop.world.publish(&OrderRevived(shop.placed_order(order_id, 3, 25_000))).await,
            }
        }
        let due = &shop.amounts_due().await[0];
        assert_eq!((due.order_version, due.is_open), (3, true), "{order:?}");
        assert_eq!(shop.statuses(order_id).await, [Expired], "{order:?}");
    }
}

#[tokio::test]
async fn an_order_whose_end_arrives_before_its_beginning_is_closed() {
    let shop = TestShop::new().await;
    let order_id = shop.orders.place(25_000, shop.world.clock.now());
    shop.world.publish(&OrderCancelled { order_id, order_version: 2, cups: 0, reason: "Shut.".into() }).await;
    assert_eq!(shop.amounts_due().await[0].total, None);
    shop.orders.set_unavailable();
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(503, "order-unavailable");
    shop.world.publish(&OrderCreated(shop.placed_order(order_id, 1, 25_000))).await;
    let _ = shop.pay_cash(order_id, 25_000, 25_000).await.problem(409, "order-closed");
}

#[tokio::test]
async fn a_completed_payment_names_the_number_of_cups_it_pays() {
    let shop = TestShop::new().await;
    let [by_cash, by_qr, by_record] =
        [shop.place_order(25_000).await, shop.place_order(25_000).await, shop.place_order(25_000).await];
    let _ = shop.pay_cash(by_cash, 25_000, 25_000).await.expect(201);
    let shown = shop.show_qr(by_qr, 25_000).await;
    shop.gateway.set_status(&shown, ChargeStatus::Paid { at: shop.world.clock.now() });
    shop.advance_and_poll(std::time::Duration::from_secs(60)).await;
    shop.orders.set_unavailable();
    let _ = shop.pay_cash(by_record, 25_000, 25_000).await.expect(201);
    shop.wait_until_idle().await;
    let published: Vec<_> =
        shop.published::<PaymentCompleted>().iter().map(|paid| (paid.order_id, paid.cups)).collect();
    assert_eq!(published, [by_cash, by_qr, by_record].map(|order_id| (order_id, CUPS)));
}
