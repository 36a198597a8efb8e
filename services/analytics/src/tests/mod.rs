//! Reports through their router, from databases as Order and Product keep them.

mod extraction;
mod reports;
mod shop;
mod when;

use serde_json::{Value, json};
use testkit::{Client, World};

use shop::Shop;

/// A shop with empty databases, and its reports.
async fn shop_with_reports(world: &World) -> (Shop, Client) {
    let shop = Shop::open(world).await;
    let service = crate::open(world.around(), crate::AnalyticsSettings::default()).await.unwrap();
    (shop, world.start(service).await)
}

/// Brings the figures up to date, and answers how many orders were new.
async fn extract(client: &Client) -> u64 {
    let extracted = client.post("/internal/Analytics/extract", json!({})).await.expect(200);
    extracted["orders"].as_u64().unwrap()
}

async fn summary(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/v1/reports/summary{query}")).await.expect(200)
}

async fn favorites(client: &Client, query: &str) -> Vec<(String, i64, i64)> {
    let rows = client.get(&format!("/api/v1/reports/favorites{query}")).await.expect(200);
    let row = |row: &Value| {
        let number = |field: &str| row[field].as_i64().unwrap();
        (row["productName"].as_str().unwrap().to_owned(), number("units"), number("sales"))
    };
    rows.as_array().unwrap().iter().map(row).collect()
}
