use std::time::Duration;

use contracts::{Page, event::PaymentOrphaned, ids::PaymentId, payment::PaymentView};
use serde_json::json;

use super::shop::TestShop;

async fn page(shop: &TestShop, query: &str) -> Page<PaymentView> {
    shop.client.get(&format!("/api/Payment{query}")).await.read(200)
}

#[tokio::test]
async fn payments_are_listed_newest_first_page_by_page() {
    let shop = TestShop::new().await;
    let mut newest_first = Vec::new();
    for _ in 0..5 {
        shop.world.clock.advance(Duration::from_millis(1));
        let order_id = shop.place_order(25_000).await;
        let paid: PaymentView = shop.pay_cash(order_id, 25_000, 25_000).await.read(201);
        newest_first.insert(0, paid.payment_id);
    }
    let first = page(&shop, "?limit=3").await;
    let second = page(&shop, &format!("?limit=3&cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!(second.next_cursor, None);
    let listed: Vec<PaymentId> = first.items.iter().chain(&second.items).map(|payment| payment.payment_id).collect();
    assert_eq!(listed, newest_first);
}

#[tokio::test]
async fn payments_are_found_by_status_method_and_order() {
    let shop = TestShop::new().await;
    let (by_cash, by_qr) = (shop.place_order(25_000).await, shop.place_order(30_000).await);
    let cash: PaymentView = shop.pay_cash(by_cash, 25_000, 25_000).await.read(201);
    let qr = shop.show_qr(by_qr, 30_000).await;
    for (query, found) in [
        ("?status=PAID".to_owned(), &cash),
        ("?status=PENDING&method=QRIS".to_owned(), &qr),
        ("?method=CASH".to_owned(), &cash),
        (format!("?orderId={by_qr}"), &qr),
    ] {
        let items = page(&shop, &query).await.items;
        assert_eq!(items.iter().map(|item| item.payment_id).collect::<Vec<_>>(), [found.payment_id], "{query}");
    }
    assert!(page(&shop, "?status=PAID&method=QRIS").await.items.is_empty());
}

#[tokio::test]
async fn refunds_that_are_due_are_listed_oldest_first_page_by_page() {
    let shop = TestShop::new().await;
    let mut oldest_first = Vec::new();
    for _ in 0..5 {
        shop.world.clock.advance(Duration::from_millis(1));
        let order_id = shop.place_order(25_000).await;
        let paid: PaymentView = shop.pay_cash(order_id, 25_000, 25_000).await.read(201);
        let orphaned = PaymentOrphaned { order_id, payment_id: paid.payment_id, reason: "Cancelled.".into() };
        shop.world.publish(&orphaned).await;
        oldest_first.push(paid.payment_id);
    }
    let first = page(&shop, "?status=REFUND_DUE&limit=3").await;
    let next = format!("?status=REFUND_DUE&limit=3&cursor={}", first.next_cursor.unwrap());
    let second = page(&shop, &next).await;
    assert_eq!(second.next_cursor, None);
    let listed: Vec<PaymentId> = first.items.iter().chain(&second.items).map(|payment| payment.payment_id).collect();
    assert_eq!(listed, oldest_first);
    assert_eq!(first.items[0].refund_reason.as_deref(), Some("Cancelled."));
}

#[tokio::test]
async fn an_invalid_filter_is_refused() {
    let shop = TestShop::new().await;
    for wrong in ["?status=GONE", "?method=GOLD", "?orderId=42", "?cursor=x", "?limit=0", "?limit=201", "?colour=red"] {
        assert_eq!(shop.client.get(&format!("/api/Payment{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_payment_is_found_by_its_id_and_an_unknown_one_is_not() {
    let shop = TestShop::new().await;
    let unknown = PaymentId::new(shop.world.clock.now());
    let _ = shop.client.get(&format!("/api/Payment/{unknown}")).await.problem(404, "unknown-payment");
    let _ = shop.client.get("/api/Payment/42").await.problem(400, "invalid-id");
    let nobodys = shop.client.get(&format!("/api/Payment/order/{unknown}")).await.expect(200);
    assert_eq!(nobodys, json!([]));
}
