//! The menu through its router.

mod audit;
mod availability;
mod cache_and_events;
mod categories;
mod internal;
mod products;
mod reading;

use serde_json::{Value, json};
use testkit::{Client, World};

/// A menu in a shop with default settings.
async fn menu(world: &World) -> Client {
    world.start(crate::open(world.context()).await.unwrap()).await
}

async fn category(client: &Client, name: &str, position: i64) -> String {
    let made = client.post("/api/Category", json!({"name": name, "position": position})).await.expect(201);
    made["categoryId"].as_str().unwrap().to_owned()
}

fn latte(category: &str) -> Value {
    json!({"name": "Latte", "categoryId": category, "price": 25000})
}

async fn product(client: &Client, write: Value) -> String {
    let made = client.post("/api/Product", write).await.expect(201);
    made["productId"].as_str().unwrap().to_owned()
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

const NOBODY: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
