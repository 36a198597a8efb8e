//! Timers: unpaid orders and codes expire and can be revived; reports include a sale soon.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{api_client::ApiClient, program::TestShop, wait};

/// Limit for a timer to act.
const TIMER_WITHIN: Duration = Duration::from_secs(20);

/// Fetches until the response is as expected, which a timer of the program brings about within seconds.
#[track_caller]
fn wait_for(mut fetch: impl FnMut() -> Value, is_expected: impl Fn(&Value) -> bool) -> Value {
    wait::wait_until(TIMER_WITHIN, || {
        let response = fetch();
        if is_expected(&response) { Ok(response) } else { Err(format!("{response:#}")) }
    })
}

/// Changes a duration in the settings, and moves the business day's cut-off twelve hours away, so that the test stays within
/// one business day at every hour.
fn change_setting(client: &ApiClient, setting: &str, seconds: u32) {
    let mut settings = client.get("/api/Shop").expect(200);
    settings[setting] = json!(seconds);
    let hours_utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600;
    settings["timeZone"] = json!("UTC");
    settings["businessDayCutoff"] = json!(format!("{:02}:00", (hours_utc + 12) % 24));
    client.put("/api/Shop", &settings).expect(200);
}

#[test]
fn an_unpaid_order_expires_and_releases_its_stock_and_staff_can_revive_it() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    change_setting(client, "unpaidOrderSeconds", 1);
    let order = client.post("/api/Order", &ApiClient::order(&[(&client.product("Cold brew"), 1)])).expect(201);
    let path = format!("/api/Order/{}", order["orderId"].as_str().unwrap());
    wait_for(|| client.get(&path).expect(200), |order| order["status"] == "EXPIRED");
    shop.books().check();

    change_setting(client, "unpaidOrderSeconds", 1800);
    let revived = client.patch(&path, &json!({ "status": "PENDING" })).expect(200);
    assert_eq!(revived["status"], "PENDING");
    let payment = client.post("/api/Payment", &ApiClient::cash(&order)).expect(201);
    let receipt = client.get(&format!("{path}/receipt?wait=10000")).expect(200);
    let first_receipt = &payment["receipt"];
    assert!(
        first_receipt["qrPending"] == true || first_receipt["qrCode"] == receipt["qrCode"],
        "an outdated code: {first_receipt:#}"
    );
    let response = client.post("/api/QrCode/validate", &json!({ "code": receipt["qrCode"] })).expect(200);
    assert_eq!(response["valid"], true, "{response} for {receipt:#}");
    shop.books().check();
}

#[test]
fn a_paid_code_that_expired_is_reissued_and_the_old_one_is_void() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    change_setting(client, "codeValiditySeconds", 1);
    let order = client.post("/api/Order", &ApiClient::order(&[(&client.product("Cold brew"), 1)])).expect(201);
    let payment = client.post("/api/Payment", &ApiClient::cash(&order)).expect(201);
    let receipt = client.receipt(&payment);
    let old = receipt["qrCode"].as_str().unwrap();
    let path = format!("/api/QrCode/order/{}", order["orderId"].as_str().unwrap());
    wait_for(|| client.get(&path).expect(200), |codes| codes[0]["status"] == "EXPIRED");
    assert_eq!(client.post("/api/QrCode/validate", &json!({ "code": old })).expect(200)["reason"], "expired");

    change_setting(client, "codeValiditySeconds", 900);
    client.post("/api/QrCode/generate", &json!({ "orderId": order["orderId"] })).expect(200);
    let new = wait_for(|| client.get(&path).expect(200), |codes| codes[0]["status"] == "ACTIVE")[0]["code"].clone();
    assert_ne!(new, *old);
    assert_eq!(client.post("/api/QrCode/validate", &json!({ "code": old })).expect(200)["reason"], "void");
    assert_eq!(client.post("/api/QrCode/validate", &json!({ "code": new })).expect(200)["valid"], true);
    shop.books().check();
}

#[test]
fn late_money_revives_its_expired_order() {
    let shop = TestShop::demo(&["--mock-qris-ms", "4000"]);
    let running = shop.start();
    let client = &running.client;
    change_setting(client, "unpaidOrderSeconds", 1);
    let order = client.post("/api/Order", &ApiClient::order(&[(&client.product("Cold brew"), 1)])).expect(201);
    assert_eq!(client.post("/api/Payment", &ApiClient::qris(&order)).expect(201)["status"], "PENDING");
    let path = format!("/api/Order/{}", order["orderId"].as_str().unwrap());
    wait_for(|| client.get(&path).expect(200), |order| order["status"] == "EXPIRED");
    wait_for(|| client.get(&path).expect(200), |order| order["status"] == "PROCESSING");
    shop.books().check();
}

#[test]
fn a_sale_is_in_the_reports_within_seconds() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    change_setting(client, "unpaidOrderSeconds", 1800);
    let order = client.post("/api/Order", &ApiClient::order(&[(&client.product("Cold brew"), 2)])).expect(201);
    client.post("/api/Payment", &ApiClient::cash(&order)).expect(201);
    let summary = wait_for(|| client.get("/api/v1/reports/summary").expect(200), |summary| summary["orders"] == 1);
    assert_eq!(summary["sales"], order["price"]["total"]);
    let favorites = client.get("/api/v1/reports/favorites").expect(200);
    assert_eq!((&favorites[0]["productName"], &favorites[0]["units"]), (&json!("Cold brew"), &json!(2)));
}
