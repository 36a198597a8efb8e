//! Wrong requests, sent by mistake or on purpose: each is refused with a hint, nothing is written, and the next request
//! works.

use contracts::{ids::ProductId, time::Timestamp};
use serde_json::{Value, json};

use crate::{api_client::ApiClient, program::TestShop};

#[test]
fn wrong_requests_are_refused_with_a_hint_and_nothing_is_written() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    let croissant = client.product("Butter croissant");
    let good = ApiClient::order(&[(&croissant, 1)]);
    let order = |change: Value| {
        let mut order = good.clone();
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        order
    };

    // Bodies.
    client.post_text("/api/Order", "application/json", "{\"items\": [").problem(400, "malformed-json");
    client.post_text("/api/Order", "text/plain", &good.to_string()).expect(415);
    client
        .post_text("/api/Order", "application/json", &format!("\"{}\"", "x".repeat(1 << 20)))
        .problem(413, "body-too-large");
    client.post("/api/Order", &order(json!({ "totalAmount": "22000" }))).problem(422, "invalid-body");
    client.post("/api/Order", &order(json!({ "channel": "CARRIER_PIGEON" }))).problem(422, "invalid-body");
    // Orders.
    client.post("/api/Order", &order(json!({ "items": [] }))).problem(422, "invalid-order");
    client.post("/api/Order", &order(json!({ "totalAmount": 21_999 }))).problem(409, "total-mismatch");
    for quantity in [0, -1, 1_000] {
        let items = json!([{ "productId": croissant["productId"], "quantity": quantity, "options": ApiClient::options(&croissant) }]);
        client.post("/api/Order", &order(json!({ "items": items }))).problem(422, "invalid-order");
    }
    // Routes and ids.
    client.get("/api/Order/not-an-id").problem(400, "invalid-id");
    client.get("/api/order").problem(404, "unknown-route");
    client.get("/internal/Order/0192f0c1-2b3a-7c4d-8e5f-60718293a4b5/due").problem(404, "unknown-route");
    client.delete("/api/Order").problem(405, "method-not-allowed");

    shop.books().check();
    shop.books().check_untouched();
    client.post("/api/Order", &good).expect(201);
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn orders_of_products_not_on_sale_are_refused_and_nothing_is_written() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    let (latte, croissant) = (client.product("Caffè latte"), client.product("Butter croissant"));
    let item = |product: &Value, options: &Value| json!({ "productId": product, "quantity": 1, "options": options });
    let order = |items: Vec<Value>| client.post("/api/Order", &json!({ "items": items, "totalAmount": 1 }));
    let unknown = || json!(ProductId::new(Timestamp(1_700_000_000_000_000)));

    order(vec![item(&unknown(), &json!([]))]).problem(422, "unknown-product");

    let (unavailable, archived) = (client.product("Pain au chocolat"), client.product("Espresso"));
    let path = |card: &Value| format!("/api/Product/{}", card["productId"].as_str().unwrap());
    client.put(&format!("{}/availability", path(&unavailable)), &json!({ "isAvailable": false })).expect(200);
    client.delete(&path(&archived)).expect(204);
    shop.books().wait_until_idle();
    for card in [&unavailable, &archived] {
        order(vec![item(&card["productId"], &json!(ApiClient::options(card)))]).problem(409, "product-not-sold");
    }

    let groups = latte["optionGroups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["minChoices"] == 1 && group["maxChoices"] == 1).unwrap();
    let of_group: Vec<&Value> = group["options"].as_array().unwrap().iter().map(|option| &option["optionId"]).collect();
    let every_other: Vec<Value> =
        ApiClient::options(&latte).into_iter().filter(|option| !of_group.contains(&option)).collect();
    let with = |more: &[&Value]| json!([every_other.iter().collect::<Vec<_>>(), more.to_vec()].concat());
    for options in [with(&[]), with(&of_group[..2]), json!([unknown()])] {
        order(vec![item(&latte["productId"], &options)]).problem(422, "invalid-order");
    }
    order(vec![item(&croissant["productId"], &json!([of_group[0]]))]).problem(422, "invalid-order");
    order((0..201).map(|_| item(&unknown(), &json!([]))).collect()).expect(422);

    shop.books().check();
    shop.books().check_untouched();
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn an_id_or_key_of_one_order_is_not_accepted_for_another() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    let (croissant, espresso) = (client.product("Butter croissant"), client.product("Espresso"));
    let first = client.post("/api/Order", &ApiClient::order(&[(&croissant, 1)])).expect(201);
    let mut other = ApiClient::order(&[(&espresso, 1)]);
    other["orderId"] = first["orderId"].clone();
    client.post("/api/Order", &other).problem(409, "order-id-taken");

    // A refused request leaves its key free for the corrected one; an accepted order does not.
    let good = ApiClient::order(&[(&espresso, 2)]);
    let mut wrong = good.clone();
    wrong["totalAmount"] = json!(1);
    client.post_with_key("/api/Order", "one-key", &wrong).problem(409, "total-mismatch");
    let second = client.post_with_key("/api/Order", "one-key", &good).expect(201);
    client.post_with_key("/api/Order", "one-key", &wrong).problem(422, "idempotency-key-reused");
    assert_eq!(client.post_with_key("/api/Order", "one-key", &good).expect(201), second);

    shop.books().check();
    assert_eq!(shop.books().orders().len(), 2);
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn wrong_payments_are_refused_and_the_right_one_succeeds_with_the_same_key() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    let croissant = client.product("Butter croissant");
    let order = client.post("/api/Order", &ApiClient::order(&[(&croissant, 1)])).expect(201);
    let cash = ApiClient::cash(&order);
    let pay = |change: Value| {
        let mut payment = cash.clone();
        payment.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        client.post_with_key("/api/Payment", "one-key", &payment)
    };
    pay(json!({ "amount": 1 })).problem(409, "amount-mismatch");
    pay(json!({ "tendered": 1 })).problem(422, "insufficient-tender");
    pay(json!({ "method": "SHELLS" })).problem(422, "invalid-body");
    pay(json!({ "orderId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" })).problem(404, "unknown-order");
    pay(json!({})).expect(201);
    pay(json!({ "tendered": 2_000_000 })).problem(422, "idempotency-key-reused");
    client.post("/api/Payment", &cash).problem(409, "already-paid");

    let cancelled = client.post("/api/Order", &ApiClient::order(&[(&croissant, 1)])).expect(201);
    client.delete(&format!("/api/Order/{}?reason=left", cancelled["orderId"].as_str().unwrap())).expect(200);
    assert_eq!(client.post("/api/Payment", &ApiClient::cash(&cancelled)).status, 409);
    shop.books().check();
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn a_text_that_is_no_code_is_refused_as_not_found() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    for code in ["", "QR-20261122-AAAAAAAAAAAAAAAA", "https://example.org", "\u{0}\u{ffff}", "' OR 1=1 --"] {
        let response = running.client.post("/api/QrCode/validate", &json!({ "code": code })).expect(200);
        assert_eq!(response, json!({ "valid": false, "reason": "not_found" }), "{code:?}");
    }
}
