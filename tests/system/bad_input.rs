//! What tills, guests and strangers send by mistake or on purpose: each is refused with a way on, nothing is written,
//! and the next request works.

use contracts::{ids::ProductId, time::Timestamp};
use serde_json::{Value, json};

use crate::{http::Till, program::TestShop};

#[test]
fn every_wrong_request_is_refused_with_a_way_on_and_nothing_is_written() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    let croissant = till.product("Butter croissant");
    let good = Till::order(&[(&croissant, 1)]);
    let order = |change: Value| {
        let mut order = good.clone();
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        order
    };

    // Bodies.
    till.post_text("/api/Order", "application/json", "{\"items\": [").problem(400, "malformed-json");
    till.post_text("/api/Order", "text/plain", &good.to_string()).expect(415);
    till.post_text("/api/Order", "application/json", &format!("\"{}\"", "x".repeat(1 << 20)))
        .problem(413, "body-too-large");
    till.post("/api/Order", &order(json!({ "totalAmount": "22000" }))).problem(422, "invalid-body");
    till.post("/api/Order", &order(json!({ "channel": "CARRIER_PIGEON" }))).problem(422, "invalid-body");
    // Orders.
    till.post("/api/Order", &order(json!({ "items": [] }))).problem(422, "invalid-order");
    till.post("/api/Order", &order(json!({ "totalAmount": 21_999 }))).problem(409, "total-mismatch");
    for quantity in [0, -1, 1_000] {
        let items = json!([{ "productId": croissant["productId"], "quantity": quantity, "options": Till::options(&croissant) }]);
        till.post("/api/Order", &order(json!({ "items": items }))).problem(422, "invalid-order");
    }
    // Places.
    till.get("/api/Order/not-an-id").problem(400, "invalid-id");
    till.get("/api/order").problem(404, "unknown-route");
    till.get("/internal/Order/0192f0c1-2b3a-7c4d-8e5f-60718293a4b5/due").problem(404, "unknown-route");
    till.delete("/api/Order").problem(405, "method-not-allowed");

    shop.books().check();
    shop.books().check_untouched();
    till.post("/api/Order", &good).expect(201);
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn an_order_of_what_the_menu_does_not_have_is_refused_with_a_way_on_and_nothing_is_written() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    let (latte, croissant) = (till.product("Caffè latte"), till.product("Butter croissant"));
    let item = |product: &Value, options: &Value| json!({ "productId": product, "quantity": 1, "options": options });
    let order = |items: Vec<Value>| till.post("/api/Order", &json!({ "items": items, "totalAmount": 1 }));
    let unknown = || json!(ProductId::new(Timestamp(1_700_000_000_000_000)));

    order(vec![item(&unknown(), &json!([]))]).problem(422, "unknown-product");

    let (unavailable, archived) = (till.product("Pain au chocolat"), till.product("Espresso"));
    let path = |card: &Value| format!("/api/Product/{}", card["productId"].as_str().unwrap());
    till.put(&format!("{}/availability", path(&unavailable)), &json!({ "isAvailable": false })).expect(200);
    till.delete(&path(&archived)).expect(204);
    shop.books().settle();
    for card in [&unavailable, &archived] {
        order(vec![item(&card["productId"], &json!(Till::options(card)))]).problem(409, "product-not-sold");
    }

    let groups = latte["optionGroups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["minChoices"] == 1 && group["maxChoices"] == 1).unwrap();
    let of_group: Vec<&Value> = group["options"].as_array().unwrap().iter().map(|option| &option["optionId"]).collect();
    let every_other: Vec<Value> =
        Till::options(&latte).into_iter().filter(|option| !of_group.contains(&option)).collect();
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
fn an_id_or_a_key_that_stands_for_an_order_is_not_taken_by_another() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    let (croissant, espresso) = (till.product("Butter croissant"), till.product("Espresso"));
    let first = till.post("/api/Order", &Till::order(&[(&croissant, 1)])).expect(201);
    let mut other = Till::order(&[(&espresso, 1)]);
    other["orderId"] = first["orderId"].clone();
    till.post("/api/Order", &other).problem(409, "order-id-taken");

    // A refusal leaves the key free for the corrected order; the order does not.
    let good = Till::order(&[(&espresso, 2)]);
    let mut wrong = good.clone();
    wrong["totalAmount"] = json!(1);
    till.post_with_key("/api/Order", "one-key", &wrong).problem(409, "total-mismatch");
    let second = till.post_with_key("/api/Order", "one-key", &good).expect(201);
    till.post_with_key("/api/Order", "one-key", &wrong).problem(422, "idempotency-key-reused");
    assert_eq!(till.post_with_key("/api/Order", "one-key", &good).expect(201), second);

    shop.books().check();
    assert_eq!(shop.books().orders().len(), 2);
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn every_wrong_payment_is_refused_and_the_right_one_still_goes_through_with_the_same_key() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    let croissant = till.product("Butter croissant");
    let order = till.post("/api/Order", &Till::order(&[(&croissant, 1)])).expect(201);
    let cash = Till::cash(&order);
    let pay = |change: Value| {
        let mut payment = cash.clone();
        payment.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        till.post_with_key("/api/Payment", "one-key", &payment)
    };
    pay(json!({ "amount": 1 })).problem(409, "amount-mismatch");
    pay(json!({ "tendered": 1 })).problem(422, "insufficient-tender");
    pay(json!({ "method": "SHELLS" })).problem(422, "invalid-body");
    pay(json!({ "orderId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" })).problem(404, "unknown-order");
    pay(json!({})).expect(201);
    pay(json!({ "tendered": 2_000_000 })).problem(422, "idempotency-key-reused");
    till.post("/api/Payment", &cash).problem(409, "already-paid");

    let given_up = till.post("/api/Order", &Till::order(&[(&croissant, 1)])).expect(201);
    till.delete(&format!("/api/Order/{}?reason=left", given_up["orderId"].as_str().unwrap())).expect(200);
    assert_eq!(till.post("/api/Payment", &Till::cash(&given_up)).status, 409);
    shop.books().check();
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn a_code_that_is_none_is_refused_in_words_that_a_machine_can_show() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    for code in ["", "QR-20261122-AAAAAAAAAAAAAAAA", "https://example.org", "\u{0}\u{ffff}", "' OR 1=1 --"] {
        let answer = running.till.post("/api/QrCode/validate", &json!({ "code": code })).expect(200);
        assert_eq!(answer, json!({ "valid": false, "reason": "not_found" }), "{code:?}");
    }
}
