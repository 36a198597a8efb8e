//! The numbered steps of the specification, against the real program: from the menu to the poured cup.

use contracts::{event::EventKind, time::Timestamp};
use serde_json::{Value, json};

use crate::{api_client::ApiClient, program::TestShop};

/// How long a code is valid, as specified.
const CODE_VALIDITY_SECONDS: i64 = 15 * 60;

#[test]
fn an_order_goes_from_the_menu_to_a_poured_cup_in_the_specified_steps() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let (client, books) = (&running.client, shop.books());

    // System startup: the menu is there as soon as the program prints `ready`.
    let (cold_brew, croissant) = (client.product("Cold brew"), client.product("Butter croissant"));
    assert_eq!((&cold_brew["isDispensable"], &croissant["isDispensable"]), (&json!(true), &json!(false)));
    let stock_before = on_hand(client, "Cold brew keg");

    // 1: an order with its items and the total that the client displayed.
    let request = ApiClient::order(&[(&cold_brew, 2), (&croissant, 1)]);
    let till = client.through_door("pos");
    let order = till.post("/api/Order", &request).expect(201);
    let order_id = order["orderId"].as_str().unwrap();
    let order_path = format!("/api/Order/{order_id}");
    // 2: the total is validated.
    let mut nameless = request.clone();
    nameless.as_object_mut().unwrap().remove("totalAmount");
    client.post("/api/Order", &nameless).problem(422, "invalid-body");
    // 3: price and dispensable flag are the product's.
    for (item, card) in [(&order["items"][0], &cold_brew), (&order["items"][1], &croissant)] {
        assert_eq!((&item["unitPrice"], &item["isDispensable"]), (&card["price"], &card["isDispensable"]));
    }
    // 4: the server's total counts, and one that differs is rejected.
    assert_eq!(order["price"]["total"], request["totalAmount"]);
    let mut cheaper = request.clone();
    cheaper["totalAmount"] = json!(request["totalAmount"].as_i64().unwrap() - 1);
    client.post("/api/Order", &cheaper).problem(409, "total-mismatch");
    // 5: the order is written, PENDING; those that were rejected are not.
    assert_eq!(books.orders().len(), 1);
    assert_eq!(books.orders()[order_id].status, "PENDING");
    // 6: its receipt exists, unpaid.
    let receipt = client.get(&format!("{order_path}/receipt")).expect(200);
    assert_eq!((&receipt["orderId"], &receipt["paymentStatus"]), (&order["orderId"], &json!("PENDING")));
    assert_eq!((&receipt["items"], &receipt["total"]), (&order["items"], &request["totalAmount"]));
    // 7, 8: OrderCreated is published, once.
    let order_created = books.published_for("order", order_id, EventKind::OrderCreated);
    assert_eq!(order_created.len(), 1);
    // 9: QR consumes it.
    let receipt = client.get(&format!("{order_path}/receipt?wait=5000")).expect(200);
    assert_eq!(receipt["qrPending"], false);
    // 10: a code for each cup, for 15 minutes, which is not valid yet.
    let codes = client.get(&format!("/api/QrCode/order/{order_id}")).expect(200);
    assert_eq!(codes.as_array().unwrap().iter().map(|code| &code["cup"]).collect::<Vec<_>>(), ["1/2", "2/2"]);
    let code = codes[0]["code"].as_str().unwrap().to_owned();
    assert!(is_code(&code), "{code}");
    assert_lasts_15_minutes(&codes[0]["expiresAt"], &order["placedAt"]);
    assert_eq!(validate(client, &code), json!({ "valid": false, "reason": "unpaid" }));
    // 11: they are written.
    assert_eq!(books.codes()[order_id], [("PENDING".to_owned(), 2)].into());
    // 12: they are on the receipt.
    assert_eq!((&receipt["qrCode"], &receipt["qrExpiresAt"]), (&json!(code), &codes[0]["expiresAt"]));
    assert_eq!(receipt["qrCodes"].as_array().unwrap().len(), 2);
    // 13: the client received the order.
    assert_eq!((&order["status"], &order["orderNumber"]), (&json!("PENDING"), &json!("A-0001")));

    // 14, 15: the guest pays in cash.
    let payment = client.post("/api/Payment", &ApiClient::cash(&order)).expect(201);
    // 16: the payment is written.
    let written = client.get(&format!("/api/Payment/{}", payment["paymentId"].as_str().unwrap())).expect(200);
    assert_eq!((&written["orderId"], &written["amount"]), (&order["orderId"], &order["price"]["total"]));
    // 17: it succeeded.
    assert_eq!(written["status"], "PAID");
    // 18: PaymentCompleted is published, once.
    assert_eq!(books.published_for("payment", order_id, EventKind::PaymentCompleted).len(), 1);
    // 19: the receipt shows it.
    let receipt = &client.receipt(&payment);
    assert_eq!((&receipt["paymentStatus"], &receipt["paymentMethod"]), (&json!("PAID"), &json!("CASH")));
    assert_eq!(receipt["paidAt"], written["paidAt"]);
    // 20: the response is the whole receipt, with codes that are valid for 15 minutes from now on.
    assert_eq!((&receipt["items"], &receipt["total"]), (&order["items"], &order["price"]["total"]));
    assert_eq!((&receipt["qrPending"], &receipt["qrCode"]), (&json!(false), &json!(code)));
    assert_eq!(receipt["qrCodes"][0]["status"], "ACTIVE");
    assert_lasts_15_minutes(&receipt["qrExpiresAt"], &receipt["paidAt"]);
    // 21, 22: Order consumes it and the order is in preparation; stock has moved.
    books.wait_until_idle();
    assert_eq!(client.get(&order_path).expect(200)["status"], "PROCESSING");
    assert_eq!(on_hand(client, "Cold brew keg"), stock_before - 2 * 240);
    // 23: the receipt for the printer is the same.
    assert_eq!(&client.get(&format!("{order_path}/receipt")).expect(200), receipt);

    // 33 to 35: a code that exists, has not expired and is unused pours for 8 seconds; one that does not exist, does not.
    assert_eq!(validate(client, &code), json!({ "valid": true, "productName": "Cold brew", "dispenseDuration": 8 }));
    assert_eq!(validate(client, "QR-20241213-ABC"), json!({ "valid": false, "reason": "not_found" }));
    // 36: it is used from then on.
    assert_eq!(validate(client, &code), json!({ "valid": false, "reason": "used" }));

    // The second cup, by a machine with the lease protocol.
    let second = receipt["qrCodes"][1]["code"].as_str().unwrap();
    let machines = ["Bar 1", "Bar 2"].map(|name| client.pair_dispenser(name));
    let scan = json!({ "code": second, "attemptId": "a1", "journalEpoch": "e1" });
    let grant = machines[0].post("/api/QrCode/validate", &scan).expect(200);
    assert_eq!(grant["valid"], true);
    assert_eq!(machines[1].post("/api/QrCode/validate", &scan).expect(200)["reason"], "in_use");
    let report = json!({ "dispenseId": grant["dispenseId"], "outcome": "completed", "pouredMs": 8000 });
    machines[0].post(&format!("/api/QrCode/{second}/complete"), &report).expect(200);

    // Staff hand over the croissant, and the order is completed.
    books.wait_until_idle();
    assert_eq!(client.get(&order_path).expect(200)["items"][0]["poured"], 2);
    let done = client.patch(&order_path, &json!({ "status": "COMPLETED" })).expect(200);
    assert_eq!(done["status"], "COMPLETED");
    books.check();

    // 7, 8 again, after the program has stopped: the event has every item.
    assert!(running.stop().success(), "{}", shop.log());
    let shown = shop.command("events").args(["show", &order_created[0]]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("in the outbox of order") && shown.contains(order_id) && shown.contains("Cold brew"),
        "{shown}"
    );
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn a_guest_pays_by_mock_qris_and_the_receipt_is_marked_as_a_test() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let client = &running.client;
    let order = client.post("/api/Order", &ApiClient::order(&[(&client.product("Orange juice"), 1)])).expect(201);
    let payment = client.post("/api/Payment", &ApiClient::qris(&order)).expect(201);
    assert_eq!(payment["status"], "PAID");
    assert!(payment["qris"]["payload"].as_str().unwrap().starts_with("000201010212"), "{payment}");
    assert_eq!(payment["receipt"]["isTest"], true);
    shop.books().check();
}

fn validate(client: &ApiClient, code: &str) -> Value {
    client.post("/api/QrCode/validate", &json!({ "code": code })).expect(200)
}

/// Asserts that `end` is 15 minutes after `start`, or a little later: QR counts from when it consumed the event.
#[track_caller]
fn assert_lasts_15_minutes(end: &Value, start: &Value) {
    let micros = |time: &Value| time.as_str().unwrap().parse::<Timestamp>().unwrap().0;
    let seconds = (micros(end) - micros(start)) / 1_000_000;
    assert!((CODE_VALIDITY_SECONDS..CODE_VALIDITY_SECONDS + 60).contains(&seconds), "{start} to {end}");
}
fn on_hand(client: &ApiClient, name: &str) -> i64 {
    let page = client.get("/api/Inventory?limit=200").expect(200);
    let item = page["items"].as_array().unwrap().iter().find(|item| item["name"] == name).cloned().unwrap();
    item["onHand"].as_i64().unwrap()
}

/// `QR-YYYYMMDD-` and 80 bits in Crockford's base32.
fn is_code(code: &str) -> bool {
    let parts: Vec<&str> = code.split('-').collect();
    matches!(parts[..], ["QR", day, random] if day.len() == 8
        && day.bytes().all(|byte| byte.is_ascii_digit())
        && random.len() == 16
        && random.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)))
}
