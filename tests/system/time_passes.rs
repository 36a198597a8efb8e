//! Time gives up what is not paid, and codes; people bring it back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{http::Till, patience, program::TestShop};

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until the answer is right. The program's own clock makes it so, within seconds.
#[track_caller]
fn until(mut answer: impl FnMut() -> Value, is_right: impl Fn(&Value) -> bool) -> Value {
    patience::until(PATIENCE, || {
        let answer = answer();
        if is_right(&answer) { Ok(answer) } else { Err(format!("{answer:#}")) }
    })
}

/// Changes how long something lasts, and moves the business day's cut-off to the other side of the clock: what is asked
/// here of one day holds at every hour.
fn trade(till: &Till, setting: &str, seconds: u32) {
    let mut settings = till.get("/api/Shop").expect(200);
    settings[setting] = json!(seconds);
    let hours_utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600;
    settings["timeZone"] = json!("UTC");
    settings["businessDayCutoff"] = json!(format!("{:02}:00", (hours_utc + 12) % 24));
    till.put("/api/Shop", &settings).expect(200);
}

#[test]
fn an_unpaid_order_gives_its_stock_back_and_staff_can_revive_it() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    trade(till, "unpaidOrderSeconds", 1);
    let order = till.post("/api/Order", &Till::order(&[(&till.product("Cold brew"), 1)])).expect(201);
    let path = format!("/api/Order/{}", order["orderId"].as_str().unwrap());
    until(|| till.get(&path).expect(200), |order| order["status"] == "EXPIRED");
    shop.books().check();

    trade(till, "unpaidOrderSeconds", 1800);
    let revived = till.patch(&path, &json!({ "status": "PENDING" })).expect(200);
    assert_eq!(revived["status"], "PENDING");
    let payment = till.post("/api/Payment", &Till::cash(&order)).expect(201);
    let receipt = till.get(&format!("{path}/receipt?wait=10000")).expect(200);
    let answered = &payment["receipt"];
    assert!(answered["qrPending"] == true || answered["qrCode"] == receipt["qrCode"], "a dead code: {answered:#}");
    let answer = till.post("/api/QrCode/validate", &json!({ "code": receipt["qrCode"] })).expect(200);
    assert_eq!(answer["valid"], true, "{answer} for {receipt:#}");
    shop.books().check();
}

#[test]
fn a_paid_code_that_expired_is_not_lost_but_reissued_and_the_old_one_dies() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    trade(till, "codeValiditySeconds", 1);
    let order = till.post("/api/Order", &Till::order(&[(&till.product("Cold brew"), 1)])).expect(201);
    let payment = till.post("/api/Payment", &Till::cash(&order)).expect(201);
    let receipt = till.receipt(&payment);
    let old = receipt["qrCode"].as_str().unwrap();
    let path = format!("/api/QrCode/order/{}", order["orderId"].as_str().unwrap());
    until(|| till.get(&path).expect(200), |codes| codes[0]["status"] == "EXPIRED");
    assert_eq!(till.post("/api/QrCode/validate", &json!({ "code": old })).expect(200)["reason"], "expired");

    trade(till, "codeValiditySeconds", 900);
    till.post("/api/QrCode/generate", &json!({ "orderId": order["orderId"] })).expect(200);
    let new = until(|| till.get(&path).expect(200), |codes| codes[0]["status"] == "ACTIVE")[0]["code"].clone();
    assert_ne!(new, *old);
    assert_eq!(till.post("/api/QrCode/validate", &json!({ "code": old })).expect(200)["reason"], "void");
    assert_eq!(till.post("/api/QrCode/validate", &json!({ "code": new })).expect(200)["valid"], true);
    shop.books().check();
}

#[test]
fn money_that_comes_late_revives_the_order_it_was_meant_for() {
    let shop = TestShop::demo(&["--mock-qris-ms", "4000"]);
    let running = shop.start();
    let till = &running.till;
    trade(till, "unpaidOrderSeconds", 1);
    let order = till.post("/api/Order", &Till::order(&[(&till.product("Cold brew"), 1)])).expect(201);
    assert_eq!(till.post("/api/Payment", &Till::qris(&order)).expect(201)["status"], "PENDING");
    let path = format!("/api/Order/{}", order["orderId"].as_str().unwrap());
    until(|| till.get(&path).expect(200), |order| order["status"] == "EXPIRED");
    until(|| till.get(&path).expect(200), |order| order["status"] == "PROCESSING");
    shop.books().check();
}

#[test]
fn a_sale_is_in_the_reports_soon_after_it() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    trade(till, "unpaidOrderSeconds", 1800);
    let order = till.post("/api/Order", &Till::order(&[(&till.product("Cold brew"), 2)])).expect(201);
    till.post("/api/Payment", &Till::cash(&order)).expect(201);
    let summary = until(|| till.get("/api/v1/reports/summary").expect(200), |summary| summary["orders"] == 1);
    assert_eq!(summary["sales"], order["price"]["total"]);
    let favorites = till.get("/api/v1/reports/favorites").expect(200);
    assert_eq!((&favorites[0]["productName"], &favorites[0]["units"]), (&json!("Cold brew"), &json!(2)));
}
