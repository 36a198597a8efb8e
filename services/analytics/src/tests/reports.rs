use serde_json::{Value, json};
use testkit::World;

use super::{
    extract, favorites,
    shop::{Sale, product_id},
    shop_with_reports, summary,
};

#[tokio::test]
async fn a_summary_adds_up_the_paid_orders_of_today() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let mut by_qris = Sale::paid(2, &world);
    (by_qris.method, by_qris.lines) = (Some("QRIS"), vec![(1, "Latte", 1, 25_001)]);
    let mut yesterday = Sale::paid(3, &world);
    yesterday.business_day = "2026-11-21";
    shop.put(&[Sale::paid(1, &world), by_qris, yesterday]).await;
    assert_eq!(extract(&analytics).await, 3);

    let expected = json!({
        "from": "2026-11-22", "to": "2026-11-22", "currency": "IDR", "orders": 2, "units": 4, "sales": 105_001,
        "discount": 0, "service": 0, "tax": 9544, "netSales": 95_457, "averageOrder": 52_501,
        "cashRounding": 0,
        "byMethod": [{"method": "CASH", "orders": 1, "sales": 80_000, "received": 80_000}, {"method": "QRIS", "orders": 1, "sales": 25_001, "received": 25_001}],
        "asOf": "2026-11-22T02:00:00Z"});
    assert_eq!(summary(&client, "").await, expected);
    assert_eq!(summary(&client, "?from=2026-11-21").await["orders"], 3);
    assert_eq!(summary(&client, "?from=2026-11-20&to=2026-11-21").await["sales"], 80_000);
}

#[tokio::test]
async fn cash_and_its_rounding_are_what_is_in_the_drawer() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let rounded =
        |number, price, rounding| Sale { lines: vec![(1, "Latte", 1, price)], rounding, ..Sale::paid(number, &world) };
    let by_qris = Sale { method: Some("QRIS"), ..rounded(3, 25_001, 0) };
    let cancelled = Sale { status: "CANCELLED", ..rounded(4, 25_020, -20) };
    shop.put(&[rounded(1, 25_030, -30), rounded(2, 18_060, 40), by_qris, cancelled]).await;
    extract(&analytics).await;

    let report = summary(&client, "").await;
    assert_eq!((&report["sales"], &report["cashRounding"]), (&json!(68_091), &json!(10)));
    let cash = &report["byMethod"][0];
    assert_eq!((&cash["sales"], &cash["received"]), (&json!(43_090), &json!(25_000 + 18_100)));
    assert_eq!(report["byMethod"][1]["received"], 25_001);
}

#[tokio::test]
async fn unpaid_cancelled_and_foreign_currency_orders_are_in_no_sum() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let changed = |number: u32, change: fn(&mut Sale)| {
        let mut sale = Sale::paid(number, &world);
        change(&mut sale);
        sale
    };
    shop.put(&[
        changed(1, |sale| (sale.status, sale.method) = ("PENDING", None)),
        changed(2, |sale| (sale.status, sale.method) = ("EXPIRED", None)),
        changed(3, |sale| sale.status = "CANCELLED"),
        changed(4, |sale| sale.currency = "USD"),
    ])
    .await;
    assert_eq!(extract(&analytics).await, 4);
    let figures = summary(&client, "").await;
    assert_eq!((&figures["orders"], &figures["sales"], &figures["byMethod"]), (&json!(0), &json!(0), &json!([])));
    assert!(figures.get("averageOrder").is_none());
    assert!(favorites(&client, "").await.is_empty());
    let recent = client.get("/api/v1/reports/recent-orders").await.expect(200);
    assert_eq!(recent.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn favorites_are_by_units_then_by_sales_with_their_latest_names() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let mut renamed = Sale::paid(2, &world);
    renamed.lines = vec![(1, "Caffè latte", 1, 25_000), (3, "Tea", 3, 10_000)];
    let mut yesterday = Sale::paid(3, &world);
    (yesterday.business_day, yesterday.lines) = ("2026-11-21", vec![(2, "Croissant", 9, 30_000)]);
    shop.put(&[Sale::paid(1, &world), renamed, yesterday]).await;
    extract(&analytics).await;

    let row = |name: &str, units, sales| (name.to_owned(), units, sales);
    let today = [row("Caffè latte", 3, 75_000), row("Tea", 3, 30_000), row("Croissant", 1, 30_000)];
    assert_eq!(favorites(&client, "").await, today);
    assert_eq!(favorites(&client, "?limit=1").await, today[..1]);
    assert_eq!(favorites(&client, "?from=2026-11-21").await[0], row("Croissant", 10, 300_000));
    let rows = client.get("/api/v1/reports/favorites").await.expect(200);
    assert_eq!(rows[0]["productId"], product_id(1).to_string());
}

#[tokio::test]
async fn the_trend_has_the_last_seven_days_even_without_sales() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let mut earlier = Sale::paid(2, &world);
    earlier.business_day = "2026-11-20";
    shop.put(&[Sale::paid(1, &world), earlier]).await;
    extract(&analytics).await;

    let trend = client.get("/api/v1/reports/sales-trend").await.expect(200);
    let days: Vec<_> = trend.as_array().unwrap().iter().map(|day| (&day["businessDay"], &day["sales"])).collect();
    assert_eq!(days.len(), 7);
    assert_eq!(days[0], (&json!("2026-11-16"), &json!(0)));
    assert_eq!(
        days[4..],
        [
            (&json!("2026-11-20"), &json!(80_000)),
            (&json!("2026-11-21"), &json!(0)),
            (&json!("2026-11-22"), &json!(80_000)),
        ]
    );
    let longest = client.get("/api/v1/reports/sales-trend?from=2021-11-19").await.expect(200);
    assert_eq!(longest.as_array().unwrap().len(), 1_830);
}

#[tokio::test]
async fn recent_orders_are_the_newest_first() {
    let world = World::new().await;
    let (shop, client, analytics) = shop_with_reports(&world).await;
    let sales: Vec<Sale> = (1..=25).map(|number| Sale::paid(number, &world)).collect();
    shop.put(&sales).await;
    extract(&analytics).await;

    let recent = client.get("/api/v1/reports/recent-orders").await.expect(200);
    let numbers: Vec<_> =
        recent.as_array().unwrap().iter().map(|order| order["orderNumber"].as_str().unwrap()).collect();
    assert_eq!((numbers.len(), numbers[0], numbers[19]), (20, "A-0025", "A-0006"));
    let newest = json!({"orderId": sales[24].order_id().to_string(), "orderNumber": "A-0025", "status": "PROCESSING",
        "channel": "POS", "total": 80_000, "paymentMethod": "CASH", "placedAt": "2023-11-14T22:13:20.000025Z"});
    assert_eq!(recent[0], newest);
    let all = client.get("/api/v1/reports/recent-orders?limit=200").await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 25);
}

#[tokio::test]
async fn a_report_with_a_wrong_period_or_limit_is_refused() {
    let world = World::new().await;
    let (_shop, client, _) = shop_with_reports(&world).await;
    for query in ["summary?from=2026-11-23", "summary?from=2020-01-01", "sales-trend?from=2026-02-02&to=2026-02-01"] {
        let refusal: Value = client.get(&format!("/api/v1/reports/{query}")).await.problem(422, "invalid");
        assert!(refusal["detail"].is_string());
    }
    for query in ["favorites?limit=0", "favorites?limit=51", "recent-orders?limit=201"] {
        client.get(&format!("/api/v1/reports/{query}")).await.problem(400, "bad-request");
    }
    for query in ["summary?from=today", "favorites?limit=few", "recent-orders?colour=brown", "summary?from=2026-02-30"]
    {
        let refusal = client.get(&format!("/api/v1/reports/{query}")).await.problem(400, "invalid-query");
        assert!(refusal["detail"].is_string());
    }
}
