//! What of the menu can be ordered now.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::post};
use contracts::inventory::{FindSoldOut, SoldOut};
use serde_json::{Value, json};
use testkit::{Client, World};
use web::Json;

use super::{category, latte, menu, product};

/// A stand-in for Inventory in which everything is sold out. It keeps what it was asked.
fn empty_inventory() -> (Router, Arc<Mutex<Vec<FindSoldOut>>>) {
    let requests: Arc<Mutex<Vec<FindSoldOut>>> = Arc::default();
    let kept = Arc::clone(&requests);
    let answer = move |Json(request): Json<FindSoldOut>| async move {
        let product_ids = request.items.iter().map(|item| item.product_id).collect();
        kept.lock().unwrap().push(request);
        Json(SoldOut { product_ids })
    };
    (Router::new().route("/internal/Inventory/sold-out", post(answer)), requests)
}

async fn availability(client: &Client) -> Vec<(Value, Value)> {
    let rows = client.get("/api/Product/availability").await.expect(200);
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (row["isAvailable"].clone(), row["isSoldOut"].clone())).collect()
}

#[tokio::test]
async fn a_sold_out_product_is_not_available_and_is_asked_for_once_in_two_seconds() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    let mut cold_brew = latte(&coffee);
    (cold_brew["isDispensable"], cold_brew["dispenseMl"]) = (json!(true), json!(240));
    cold_brew["optionGroups"] = json!([{"name": "Cup", "minChoices": 1, "maxChoices": 1, "options": [
        {"name": "Small", "dispenseMlDelta": -40}, {"name": "Large", "dispenseMlDelta": 120}]}]);
    product(&client, cold_brew).await;
    let off = product(&client, latte(&coffee)).await;
    client.put(&format!("/api/Product/{off}/availability"), json!({"isAvailable": false})).await.expect(200);

    let (inventory, requests) = empty_inventory();
    world.stub("inventory", inventory);
    for _ in 0..3 {
        let rows = availability(&client).await;
        assert_eq!(rows, [(json!(false), json!(true)), (json!(false), Value::Null)]);
    }
    {
        let requests = requests.lock().unwrap();
        assert_eq!(requests.len(), 1);
        let items = &requests[0].items;
        assert_eq!(items.len(), 1, "what is off sale is not asked for");
        assert_eq!((items[0].quantity, items[0].dispense_ml, items[0].options.len()), (1, Some(200), 1));
    }
    world.clock.advance(Duration::from_secs(2));
    availability(&client).await;
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn while_inventory_is_unavailable_what_is_on_sale_is_available_and_marked_unknown() {
    let world = World::new().await;
    let client = menu(&world).await;
    let coffee = category(&client, "Coffee", 0).await;
    product(&client, latte(&coffee)).await;
    assert_eq!(availability(&client).await, [(json!(true), Value::Null)]);
    world.stub("inventory", Router::new().fallback(async || axum::http::StatusCode::SERVICE_UNAVAILABLE));
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(availability(&client).await, [(json!(true), Value::Null)]);
}
