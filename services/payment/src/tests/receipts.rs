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

use super::set_up::Till;

fn order_part(till: &Till, order_id: OrderId, cups: u32) -> ReceiptOrder {
    let now = till.world.clock.now();
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
        customer_name: None,
        table: None,
        payment_method: None,
        paid_at: None,
    }
}

fn codes_part(till: &Till, order: &ReceiptOrder, status: CodeStatus) -> ReceiptCodes {
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
        expires_at: till.world.clock.now() + Duration::from_secs(900),
        device_id: None,
        version: 1,
    };
    ReceiptCodes { is_paid: status != CodeStatus::Pending, codes: vec![code] }
}

async fn put<T: Serialize>(till: &Till, order_id: OrderId, field: ReceiptField, version: i64, part: &T) {
    let cache = &till.world.context().cache;
    let value = serde_json::to_string(part).unwrap();
    cache.put_field(&cache_key(order_id), field.name(), version, value, Duration::from_secs(60)).await.unwrap();
}

async fn paid_receipt(till: &Till, order_id: OrderId) -> Receipt {
    let paid: PaymentView = till.pay_cash(order_id, 25_000, 30_000).await.read(201);
    paid.receipt.unwrap()
}

#[tokio::test]
async fn the_answer_to_a_payment_is_the_whole_receipt() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    put(&till, order_id, ReceiptField::Order, 1, &order_part(&till, order_id, 0)).await;
    let receipt = paid_receipt(&till, order_id).await;
    assert_eq!(receipt.payment_status, ReceiptPaymentStatus::Paid);
    assert_eq!((receipt.change, receipt.qr_pending), (Some(Amount::whole(5_000)), false));

    // The cache has Payment's part, and the service answers the same to who puts a receipt together.
    let fields = till.world.context().cache.get_fields(&cache_key(order_id)).await.unwrap();
    let cached: ReceiptPayment = serde_json::from_str(&fields["payment"]).unwrap();
    let asked: ReceiptPayment = till.client.get(&format!("/internal/Payment/receipt/{order_id}")).await.read(200);
    assert_eq!(cached, asked);
}

#[tokio::test]
async fn the_receipt_has_the_codes_of_the_cups() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let order = order_part(&till, order_id, 1);
    put(&till, order_id, ReceiptField::Order, 1, &order).await;
    put(&till, order_id, ReceiptField::Codes, 1, &codes_part(&till, &order, CodeStatus::Active)).await;
    let receipt = paid_receipt(&till, order_id).await;
    assert_eq!((receipt.qr_code.as_deref(), receipt.qr_pending), (Some("QR-20261122-0123456789ABCDEF"), false));
}

#[tokio::test]
async fn codes_that_come_a_moment_later_are_waited_for() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    let order = order_part(&till, order_id, 1);
    put(&till, order_id, ReceiptField::Order, 1, &order).await;
    put(&till, order_id, ReceiptField::Codes, 1, &codes_part(&till, &order, CodeStatus::Pending)).await;
    let activated = codes_part(&till, &order, CodeStatus::Active);
    let pour_later = async {
        // QR hears that the money is here: its codes are ACTIVE only after the payment was committed.
        while till.statuses(order_id).await != [PaymentStatus::Paid] {
            tokio::task::yield_now().await;
        }
        put(&till, order_id, ReceiptField::Codes, 2, &activated).await;
    };
    let (receipt, ()) = tokio::join!(paid_receipt(&till, order_id), pour_later);
    assert!(!receipt.qr_pending);
}

#[tokio::test]
async fn money_that_went_back_does_not_come_back_on_the_receipt_when_its_answer_is_asked_for_again() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    put(&till, order_id, ReceiptField::Order, 1, &order_part(&till, order_id, 0)).await;
    let pay = async || -> PaymentView {
        let asked = super::set_up::cash(order_id, 25_000, 30_000);
        till.client.post_with_key("/api/Payment", "k1", asked).await.read(201)
    };
    let paid = pay().await;
    let orphaned = PaymentOrphaned { order_id, payment_id: paid.payment_id, reason: "too late".into() };
    till.world.publish(&orphaned).await;
    put(&till, order_id, ReceiptField::Order, 2, &order_part(&till, order_id, 0)).await;

    assert_eq!(pay().await.payment_id, paid.payment_id);
    let fields = till.world.context().cache.get_fields(&cache_key(order_id)).await.unwrap();
    assert!(!fields.contains_key("payment"), "{fields:?}");
}

#[tokio::test]
async fn codes_that_do_not_come_hold_the_answer_for_a_moment_only() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    put(&till, order_id, ReceiptField::Order, 1, &order_part(&till, order_id, 1)).await;
    assert!(paid_receipt(&till, order_id).await.qr_pending);
}

#[tokio::test]
async fn what_the_cache_lost_order_puts_together() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    till.orders.keep_receipt(Receipt::assemble(order_part(&till, order_id, 0), None, None));
    assert_eq!(paid_receipt(&till, order_id).await.order_id, order_id);
}

#[tokio::test]
async fn a_qr_on_the_screen_comes_with_a_receipt_that_is_still_to_be_paid() {
    let till = Till::new().await;
    let order_id = till.placed(25_000).await;
    put(&till, order_id, ReceiptField::Order, 1, &order_part(&till, order_id, 1)).await;
    let receipt = till.shown(order_id, 25_000).await.receipt.unwrap();
    assert_eq!(receipt.payment_status, ReceiptPaymentStatus::Pending);
    let asked = till.client.get(&format!("/internal/Payment/receipt/{order_id}")).await.expect(200);
    assert!(asked.is_null());
}
