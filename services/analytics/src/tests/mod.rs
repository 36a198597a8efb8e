//! Reports through their router, from databases like those of Order, Payment and Product.

mod extraction;
mod reports;
mod schedule;
mod shop;

use db::Db;
use host::Timer;
use serde_json::Value;
use testkit::{Client, World};

use crate::commands::Analytics;
use shop::TestShop;

/// A shop with empty databases, and its reports.
async fn shop_with_reports(world: &World) -> (TestShop, Client, Analytics) {
    let Reports { client, analytics, .. } = reports(world).await;
    (TestShop::open(world).await, client, analytics)
}

/// The service, whose extraction runs only when the test calls it.
struct Reports {
    client: Client,
    analytics: Analytics,
    db: Db,
    timer: Timer,
}

async fn reports(world: &World) -> Reports {
    let settings = crate::AnalyticsSettings::default();
    let mut service = crate::open(world.context(), settings).await.unwrap();
    let (db, timer) = (service.db.clone(), service.timers.remove(0));
    let analytics = Analytics::new(db.clone(), world.context(), settings);
    Reports { client: world.start(service).await, analytics, db, timer }
}

/// Extracts, and answers how many orders were new or changed.
async fn extract(analytics: &Analytics) -> usize {
    analytics.extract_orders().await.unwrap()
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
