//! Lists, receipts and streams.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Body,
    http::{Request, header},
    routing::get,
};
use contracts::{
    order::OrderView,
    qr::CodeStatus,
    receipt::{ReceiptCodes, ReceiptField},
};
use futures::StreamExt;
use serde_json::json;
use tower::ServiceExt;

use super::shop::{Payment, TestShop, cup, on_receipt};

#[tokio::test]
async fn a_list_is_read_page_by_page_newest_first_and_without_gaps() {
    let shop = TestShop::open().await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(shop.place(shop.croissant_order()).await.order_number);
        shop.world.clock.advance(Duration::from_secs(1));
    }
    placed.reverse();

    let (mut read, mut path) = (Vec::new(), "/api/Order?limit=2".to_owned());
    loop {
        let page = shop.client.get(&path).await.expect(200);
        read.extend(
            page["items"].as_array().unwrap().iter().map(|order| order["orderNumber"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/Order?limit=2&cursor={cursor}");
    }
    assert_eq!(read, placed);
}

#[tokio::test]
async fn a_list_is_filtered_by_status_channel_day_and_text() {
    let shop = TestShop::open().await;
    let till = shop.place(shop.croissant_order()).await;
    let kiosk = shop.place(shop.cold_brew_order(1)).await;
    shop.pay(&kiosk).await;
    let named = json!({ "customerName": "100% Budi_S" });
    shop.client.patch(&format!("/api/Order/{}", till.order_id), named).await.expect(200);

    let numbers = async |filter: &str| -> Vec<String> {
        let page = shop.client.get(&format!("/api/Order?{filter}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|order| order["orderNumber"].as_str().unwrap().into()).collect()
    };
    assert_eq!(numbers("status=PENDING").await, ["A-0001"]);
    assert_eq!(numbers("channel=KIOSK").await, ["K-0001"]);
    assert_eq!(numbers("businessDay=2026-11-22").await.len(), 2);
    assert!(numbers("businessDay=2026-11-21").await.is_empty());
    assert_eq!(numbers("text=k-00").await, ["K-0001"]);
    assert_eq!(numbers("text=budi").await, ["A-0001"]);
    assert_eq!(numbers("text=0%25%20b").await, ["A-0001"]);
    assert!(numbers("text=100_").await.is_empty());

    for wrong in ["limit=many", "page=2"] {
        shop.client.get(&format!("/api/Order?{wrong}")).await.problem(400, "invalid-query");
    }
    for wrong in ["status=EATEN", "channel=FAX", "businessDay=today", "cursor=x", "limit=0", "limit=201", "text=a%00b"]
    {
        shop.client.get(&format!("/api/Order?{wrong}")).await.problem(400, "bad-request");
    }
}

#[tokio::test]
async fn an_order_that_is_not_there_is_said_so() {
    let shop = TestShop::open().await;
    shop.client.get("/api/Order/0192f0c1-2b3a-7c4d-8e5f-60718293a4b5").await.problem(404, "unknown-order");
    shop.client.get("/api/Order/0192f0c1-2b3a-7c4d-8e5f-60718293a4b5/receipt").await.problem(404, "unknown-order");
    shop.client.get("/api/Order/A-0001").await.problem(400, "invalid-id");
}

#[tokio::test]
async fn a_receipt_is_put_together_when_the_cache_has_lost_it() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(1)).await;
    let codes = ReceiptCodes { is_paid: false, codes: vec![cup(&order, 1, CodeStatus::Pending, 2)] };
    shop.world.stub("qr", Router::new().route("/internal/QrCode/receipt/{id}", get(move || async { Json(codes) })));
    shop.world.context().cache.remove(&contracts::receipt::cache_key(order.order_id)).await.unwrap();

    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!(receipt["paymentStatus"], "PENDING");
    assert_eq!(receipt["qrCode"], "QR-20261122-0000000000000001");
    assert_eq!(receipt["qrPending"], false);
    assert_eq!(receipt["total"], 24_000);
}

#[tokio::test]
async fn a_receipt_of_a_paid_order_says_so_while_payment_is_away() {
    let shop = TestShop::open().await;
    shop.payment(Payment::IsAway);
    let order = shop.place(shop.croissant_order()).await;
    let payment = shop.pay(&order).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!((&receipt["paymentStatus"], &receipt["paymentMethod"]), (&json!("PAID"), &json!("CASH")));
    assert_eq!(receipt["paidAt"], json!(payment.paid_at));
}

#[tokio::test]
async fn a_receipt_from_the_cache_shows_what_became_of_its_cups_and_its_order() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(2)).await;
    let payment = shop.pay(&order).await;
    let cups = vec![cup(&order, 1, CodeStatus::Used, 3), cup(&order, 2, CodeStatus::Active, 2)];
    let poured = contracts::event::DispenseCompleted { code: cups[0].clone(), poured_ms: Some(8_000) };
    let put = async |field: ReceiptField, part: String| {
        let (key, life) = (contracts::receipt::cache_key(order.order_id), Duration::from_secs(60));
        shop.world.context().cache.put_field(&key, field.name(), 1, part, life).await.unwrap();
    };
    put(ReceiptField::Payment, serde_json::to_string(&on_receipt(&payment)).unwrap()).await;
    put(ReceiptField::Codes, serde_json::to_string(&ReceiptCodes { is_paid: true, codes: cups }).unwrap()).await;

    shop.world.publish(&poured).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt", order.order_id)).await.expect(200);
    assert_eq!(receipt["items"][0]["poured"], 1);
    assert_eq!(receipt["due"], json!(payment.amount), "it is the cache's");
}

#[tokio::test]
async fn a_receipt_without_its_codes_says_that_they_are_pending() {
    let shop = TestShop::open().await;
    let order = shop.place(shop.cold_brew_order(1)).await;
    let receipt = shop.client.get(&format!("/api/Order/{}/receipt?wait=1", order.order_id)).await.expect(200);
    assert_eq!(receipt["qrPending"], true);
    assert_eq!(receipt["qrCode"], json!(null));
}

/// What a screen hears: the events of a stream, one text each.
struct Screen(axum::body::BodyDataStream);

impl Screen {
    async fn opens(shop: &TestShop, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get("/api/Order/stream");
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let service = crate::open(shop.world.context()).await.unwrap();
        let answer = service.router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self(answer.into_body().into_data_stream())
    }

    async fn next_event(&mut self) -> (String, OrderView) {
        let text = String::from_utf8(self.0.next().await.unwrap().unwrap().to_vec()).unwrap();
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        assert_eq!(line("event:"), "order", "{text}");
        (line("id:"), serde_json::from_str(&line("data:")).unwrap())
    }
}

#[tokio::test]
async fn a_screen_hears_how_orders_change_and_what_it_missed() {
    let shop = TestShop::open().await;
    let mut screen = Screen::opens(&shop, None).await;
    let first = shop.place(shop.croissant_order()).await;
    let (id, heard) = screen.next_event().await;
    assert_eq!(heard, first);
    drop(screen);

    shop.world.clock.advance(Duration::from_secs(60));
    let missed = shop.place(shop.croissant_order()).await;
    let mut back = Screen::opens(&shop, Some(&id)).await;
    assert_eq!(back.next_event().await.1, first);
    assert_eq!(back.next_event().await.1, missed);
}

#[tokio::test]
async fn a_screen_with_an_id_of_no_event_is_told_so() {
    let shop = TestShop::open().await;
    let request = Request::get("/api/Order/stream").header("Last-Event-ID", "x").body(Body::empty()).unwrap();
    shop.client.send(request).await.problem(400, "bad-request");
}
