use std::time::Duration;

use contracts::{
    event::PaymentOrphaned,
    ids::{OrderId, ProductId},
    money::{Amount, Currency},
    order::{OrderItemView, OrderStatus, PriceView},
    payment::{PaymentStatus, PaymentView},
    qr::{CodeStatus, CodeView},
    receipt::{Receipt, ReceiptCodes, ReceiptField, ReceiptOrder, ReceiptPayment, ReceiptPaymentStatus, cache_key},
};
use serde::Serialize;

use super::shop::TestShop;

fn order_part(shop: &TestShop, order_id: OrderId, cups: u32) -> ReceiptOrder {
    let now = shop.world.clock.now();
    let item = OrderItemView {
        line: 1,
        product_id: ProductId::new(now),
        product_name: "Latte".into(),
        quantity: cups.max(1),
        unit_price: Amount::whole(25_000),
        line_total: Amount::whole(25_000),
        options: Vec::new(),
        note: None,
        is_dispensable: cups > 0,
        poured: 0,
        in_review: 0,
    };
    let price = PriceView {
        currency: Currency::IDR,
        subtotal: Amount::whole(25_000),
        discount: Amount::ZERO,
        service: Amount::ZERO,
        taxes: Vec::new(),
        tax: Amount::ZERO,
        total: Amount::whole(25_000),
    };
    ReceiptOrder {
        order_id,
        order_number: "A-0001".into(),
        status: OrderStatus::Pending,
        version: 1,
        items: vec![item],
        price,
        placed_at: now,
        served_by: None,
        customer_name: None,
        table: None,
        payment_method: None,
        paid_at: None,
    }
}

fn codes_part(shop: &TestShop, order: &ReceiptOrder, status: CodeStatus) -> ReceiptCodes {
    let code = CodeView {
        code: "QR-20261122-0123456789ABCDEF".into(),
        order_id: order.order_id,
        line: 1,
        unit: 1,
        cup: "1/1".into(),
        product_id: order.items[0].product_id,
        product_name: "Latte".into(),
        dispense_ml: 240,
        status,
        expires_at: shop.world.clock.now() + Duration::from_secs(900),
        device_id: None,
        version: 1,
    };
    ReceiptCodes { is_paid: status != CodeStatus::Pending, codes: vec![code] }
}

async fn put<T: Serialize>(shop: &TestShop, order_id: OrderId, field: ReceiptField, version: i64, part: &T) {
    let cache = &shop.world.context().cache;
    let value = serde_json::to_string(part).unwrap();
    cache.put_field(&cache_key(order_id), field.name(), version, value, Duration::from_secs(60)).await.unwrap();
}

async fn paid_receipt(shop: &TestShop, order_id: OrderId) -> Receipt {
    let paid: PaymentView = shop.pay_cash(order_id, 25_000, 30_000).await.read(201);
    paid.receipt.unwrap()
}

#[tokio::test]
async fn the_answer_to_a_payment_is_the_whole_receipt() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    put(&shop, order_id, ReceiptField::Order, 1, &order_part(&shop, order_id, 0)).await;
    let receipt = paid_receipt(&shop, order_id).await;
    assert_eq!(receipt.payment_status, ReceiptPaymentStatus::Paid);
    assert_eq!((receipt.change, receipt.qr_pending), (Some(Amount::whole(5_000)), false));

    // The cache has Payment's part, and the service answers the same to who puts a receipt together.
    let fields = shop.world.context().cache.get_fields(&cache_key(order_id)).await.unwrap();
    let cached: ReceiptPayment = serde_json::from_str(&fields["payment"]).unwrap();
    let fetched: ReceiptPayment = shop.client.get(&format!("/internal/Payment/receipt/{order_id}")).await.read(200);
    assert_eq!(cached, fetched);
}

#[tokio::test]
async fn the_receipt_has_the_codes_of_the_cups() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let order = order_part(&shop, order_id, 1);
    put(&shop, order_id, ReceiptField::Order, 1, &order).await;
    put(&shop, order_id, ReceiptField::Codes, 1, &codes_part(&shop, &order, CodeStatus::Active)).await;
    let receipt = paid_receipt(&shop, order_id).await;
    assert_eq!((receipt.qr_code.as_deref(), receipt.qr_pending), (Some("QR-20261122-0123456789ABCDEF"), false));
}

#[tokio::test]
async fn codes_that_come_a_moment_later_are_waited_for() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    let order = order_part(&shop, order_id, 1);
    put(&shop, order_id, ReceiptField::Order, 1, &order).await;
    put(&shop, order_id, ReceiptField::Codes, 1, &codes_part(&shop, &order, CodeStatus::Pending)).await;
    let activated = codes_part(&shop, &order, CodeStatus::Active);
    let pour_later = async {
        // QR makes its codes ACTIVE after it has consumed PaymentCompleted.
        while shop.statuses(order_id).await != [PaymentStatus::Paid] {
            tokio::task::yield_now().await;
        }
        put(&shop, order_id, ReceiptField::Codes, 2, &activated).await;
    };
    let (receipt, ()) = tokio::join!(paid_receipt(&shop, order_id), pour_later);
    assert!(!receipt.qr_pending);
}

#[tokio::test]
async fn a_repeated_request_does_not_put_refunded_money_back_on_the_receipt() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    put(&shop, order_id, ReceiptField::Order, 1, &order_part(&shop, order_id, 0)).await;
    let pay = async || -> PaymentView {
        let request = super::shop::cash(order_id, 25_000, 30_000);
        shop.client.post_with_key("/api/Payment", "k1", request).await.read(201)
    };
    let paid = pay().await;
    let orphaned = PaymentOrphaned { order_id, payment_id: paid.payment_id, reason: "too late".into() };
    shop.world.publish(&orphaned).await;
    put(&shop, order_id, ReceiptField::Order, 2, &order_part(&shop, order_id, 0)).await;

    assert_eq!(pay().await.payment_id, paid.payment_id);
    assert_eq!(cached_payment(&shop, order_id).await, "null");
}

async fn cached_payment(shop: &TestShop, order_id: OrderId) -> String {
    let fields = shop.world.context().cache.get_fields(&cache_key(order_id)).await.unwrap();
    fields[ReceiptField::Payment.name()].clone()
}

#[tokio::test]
async fn a_receipt_part_that_was_deleted_cannot_be_written_again_by_a_late_writer() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    put(&shop, order_id, ReceiptField::Order, 1, &order_part(&shop, order_id, 0)).await;
    let paid: PaymentView = shop.pay_cash(order_id, 25_000, 25_000).await.read(201);
    let part = cached_payment(&shop, order_id).await;
    let orphaned = PaymentOrphaned { order_id, payment_id: paid.payment_id, reason: "Cancelled.".into() };
    shop.world.publish(&orphaned).await;
    let late: ReceiptPayment = serde_json::from_str(&part).unwrap();
    put(&shop, order_id, ReceiptField::Payment, late.paid_at.0, &late).await;

    assert_eq!(cached_payment(&shop, order_id).await, "null");
    let receipt = shop.show_qr(order_id, 25_000).await.receipt.unwrap();
    assert_eq!(receipt.payment_status, ReceiptPaymentStatus::Pending);
}

#[tokio::test]
async fn an_order_that_is_paid_again_has_the_later_payment_on_its_receipt() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    put(&shop, order_id, ReceiptField::Order, 1, &order_part(&shop, order_id, 0)).await;
    let first: PaymentView = shop.pay_cash(order_id, 25_000, 25_000).await.read(201);
    let orphaned = PaymentOrphaned { order_id, payment_id: first.payment_id, reason: "Expired.".into() };
    shop.world.publish(&orphaned).await;
    shop.world.clock.advance(Duration::from_secs(60));
    let second: PaymentView = shop.pay_cash(order_id, 25_000, 50_000).await.read(201);
    let part: ReceiptPayment = serde_json::from_str(&cached_payment(&shop, order_id).await).unwrap();
    assert_eq!(part.payment_id, second.payment_id);
}

#[tokio::test]
async fn missing_codes_delay_the_answer_for_a_moment_only() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    put(&shop, order_id, ReceiptField::Order, 1, &order_part(&shop, order_id, 1)).await;
    assert!(paid_receipt(&shop, order_id).await.qr_pending);
}

#[tokio::test]
async fn a_receipt_that_is_not_cached_is_fetched_from_order() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    shop.orders.set_receipt(Receipt::assemble(order_part(&shop, order_id, 0), None, None));
    assert_eq!(paid_receipt(&shop, order_id).await.order_id, order_id);
}

#[tokio::test]
async fn a_qr_on_the_screen_comes_with_an_unpaid_receipt() {
    let shop = TestShop::new().await;
    let order_id = shop.place_order(25_000).await;
    put(&shop, order_id, ReceiptField::Order, 1, &order_part(&shop, order_id, 1)).await;
    let receipt = shop.show_qr(order_id, 25_000).await.receipt.unwrap();
    assert_eq!(receipt.payment_status, ReceiptPaymentStatus::Pending);
    let fetched = shop.client.get(&format!("/internal/Payment/receipt/{order_id}")).await.expect(200);
    assert!(fetched.is_null());
}
