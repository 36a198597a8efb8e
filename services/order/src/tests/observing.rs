//! What is seen of the service from outside: its API document and its metrics.

use std::time::Duration;

use serde_json::Value;

use super::shop::TestShop;

#[tokio::test]
async fn the_api_document_names_every_body_every_refusal_and_every_bound() {
    let shop = TestShop::open().await;
    let document = shop.client.get("/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().unwrap().iter();
    let operations: Vec<(String, &Value)> = paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect();
    assert_eq!(operations.len(), 7);
    for (name, operation) in &operations {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {status}");
        }
    }
    let body = |name: &str| {
        let (_, operation) = operations.iter().find(|(operation, _)| operation == name).unwrap();
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].clone()
    };
    assert_eq!(body("post /api/Order"), "#/components/schemas/PlaceOrder");
    assert_eq!(body("patch /api/Order/{orderId}"), "#/components/schemas/ChangeOrder");
    let schemas = &document["components"]["schemas"];
    let place = &schemas["PlaceOrder"]["properties"];
    assert_eq!(place["items"]["minItems"], 1);
    assert_eq!(place["items"]["maxItems"], contracts::order::ITEMS_MAX);
    assert_eq!(place["customerName"]["maxLength"], contracts::order::CUSTOMER_CHARS_MAX);
    assert_eq!(place["table"]["maxLength"], contracts::order::TABLE_CHARS_MAX);
    let item = &schemas["PlaceOrderItem"]["properties"];
    assert_eq!(item["quantity"]["maximum"], contracts::order::QUANTITY_MAX);
    assert_eq!(item["options"]["maxItems"], contracts::order::OPTIONS_PER_ITEM_MAX);
    assert_eq!(item["note"]["maxLength"], contracts::order::NOTE_CHARS_MAX);
}

#[tokio::test]
async fn orders_are_counted_when_they_are_placed_paid_cancelled_and_expired() {
    let shop = TestShop::open().await;
    let paid = shop.place(shop.croissant_order()).await;
    shop.pay(&paid).await;
    let cancelled = shop.place(shop.croissant_order()).await;
    shop.client.delete(&format!("/api/Order/{}?reason=left", cancelled.order_id)).await.expect(200);
    shop.place(shop.croissant_order()).await;
    shop.world.clock.advance(Duration::from_secs(30 * 60));
    shop.expire().await;
    let metrics = shop.client.get("/metrics").await.expect(200);
    let lines: Vec<&str> = metrics.as_str().unwrap().lines().collect();
    for count in ["orders_placed_total 3", "orders_paid_total 1", "orders_cancelled_total 1", "orders_expired_total 1"]
    {
        assert!(lines.contains(&count), "{count} in {lines:#?}");
    }
}
