//! What a kiosk may pay and see.

use contracts::{
    device::{DeviceKind, DeviceView},
    event::{OrderCreated, PaymentCompleted},
    ids::DeviceId,
    payment::{AvailableMethods, PaymentMethod, PaymentStatus, PaymentView},
    staff::Role,
};
use testkit::Client;

use super::shop::{TestShop, cash, qris};

/// Another kiosk of the same shop.
fn another_kiosk(shop: &TestShop) -> Client {
    let now = shop.world.clock.now();
    let device = DeviceView { device_id: DeviceId::new(now), ..testkit::device(DeviceKind::Kiosk, now) };
    let device_id = device.device_id;
    shop.world.credentials.pair(&device);
    shop.client.with_token(&shop.world.credentials.device_token(device_id))
}

#[tokio::test]
async fn a_kiosk_pays_and_reads_its_own_orders_and_no_others() {
    let shop = TestShop::new().await;
    let now = shop.world.clock.now();
    let (own, tills) = (shop.orders.place_at_kiosk(25_000, now), shop.orders.place(25_000, now));
    let (kiosk, other) = (shop.kiosk(), another_kiosk(&shop));

    let shown: PaymentView = kiosk.post("/api/Payment", qris(own, 25_000)).await.read(201);
    let device = shown.taken_by.device.clone().unwrap();
    assert_eq!((device.name.as_str(), &shown.taken_by.staff), ("Kiosk 1", &None));
    let path = format!("/api/Payment/{}", shown.payment_id);
    let read: PaymentView = kiosk.get(&path).await.read(200);
    assert_eq!(read.payment_id, shown.payment_id);

    let missing = contracts::ids::OrderId::new(now);
    for (kiosk, order_id) in [(&kiosk, tills), (&kiosk, missing), (&other, own)] {
        let _ = kiosk.post("/api/Payment", qris(order_id, 25_000)).await.problem(404, "unknown-order");
    }
    let _ = other.get(&path).await.problem(404, "unknown-payment");
    let tills = shop.show_qr(tills, 25_000).await;
    let _ = kiosk.get(&format!("/api/Payment/{}", tills.payment_id)).await.problem(404, "unknown-payment");
    let _ = kiosk.get("/api/Payment").await.problem(403, "forbidden");
    let _ = kiosk.post(&format!("{path}/confirm"), serde_json::json!({})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_kiosk_pays_its_order_while_order_is_unavailable() {
    let shop = TestShop::new().await;
    let order_id = shop.orders.place_at_kiosk(25_000, shop.world.clock.now());
    shop.world.publish(&OrderCreated(shop.placed_order(order_id, 1, 25_000))).await;
    let tills = shop.place_order(25_000).await;
    shop.orders.set_unavailable();
    let _ = shop.kiosk().post("/api/Payment", qris(order_id, 25_000)).await.expect(201);
    let _ = shop.kiosk().post("/api/Payment", qris(tills, 25_000)).await.problem(404, "unknown-order");
}

#[tokio::test]
async fn cash_is_taken_at_the_counter_and_not_at_a_kiosk() {
    let shop = TestShop::new().await;
    let order_id = shop.orders.place_at_kiosk(25_000, shop.world.clock.now());
    let kiosk = shop.kiosk();
    let _ = kiosk.post("/api/Payment", cash(order_id, 25_000, 25_000)).await.problem(403, "method-not-allowed-here");
    shop.wait_until_idle().await;
    assert!(shop.published::<PaymentCompleted>().is_empty());
    let at_kiosk: AvailableMethods = kiosk.get("/api/Payment/methods").await.read(200);
    assert_eq!(at_kiosk.methods, [PaymentMethod::Qris]);

    let paid: PaymentView = shop.cashier().post("/api/Payment", cash(order_id, 25_000, 25_000)).await.read(201);
    assert_eq!((paid.status, paid.taken_by.staff), (PaymentStatus::Paid, Some(testkit::staff(Role::Cashier))));
    let seen: PaymentView = kiosk.get(&format!("/api/Payment/{}", paid.payment_id)).await.read(200);
    assert_eq!(
        (seen.taken_by.staff, seen.taken_by.device),
        (None, paid.taken_by.device),
        "guests learn no person's id"
    );
}
