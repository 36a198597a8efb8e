//! Reports through their router, from databases as Order and Product keep them.

mod extraction;
mod reports;
mod shop;
mod when;

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

/// Reports that are brought up to date when the test says so, and not by themselves.
struct Reports {
    client: Client,
    analytics: Analytics,
    db: Db,
    timer: Timer,
}

async fn reports(world: &World) -> Reports {
    let analytics = Analytics::open(world.context(), crate::AnalyticsSettings::default()).await.unwrap();
    let mut service = crate::service(analytics.clone());
    let (db, timer) = (service.db.clone(), service.timers.remove(0));
    Reports { client: world.start(service).await, analytics, db, timer }
}

/// Brings the figures up to date, and answers how many orders were new.
async fn extract(analytics: &Analytics) -> usize {
    analytics.extract().await.unwrap()
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
