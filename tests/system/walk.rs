//! The specification's numbered steps, against the real program.

use serde_json::{Value, json};

use crate::{http::Till, program::Shop};

#[test]
fn an_order_goes_from_the_menu_to_a_poured_cup_as_the_specification_numbers_it() {
    let shop = Shop::demo(&[]);
    let running = shop.start();
    let till = &running.till;

    // System startup: the menu is there as soon as the program says that it is ready.
    let (cold_brew, croissant) = (till.product("Cold brew"), till.product("Butter croissant"));
    assert_eq!(cold_brew["isDispensable"], true);
    let stock_before = on_hand(till, "Cold brew keg");

    // 1 to 8, 13: the order.
    let request = Till::order(&[(&cold_brew, 2), (&croissant, 1)]);
    let order = till.post("/api/Order", &request).expect(201);
    assert_eq!(order["status"], "PENDING");
    assert_eq!(order["orderNumber"], "A-0001");
    let order_id = order["orderId"].as_str().unwrap();
    let mut cheaper = request.clone();
    cheaper["totalAmount"] = json!(request["totalAmount"].as_i64().unwrap() - 1);
    till.post("/api/Order", &cheaper).problem(409, "total-differs");

    // 9 to 12: the codes, one for each cup, which pour nothing yet.
    let receipt = till.get(&format!("/api/Order/{order_id}/receipt?wait=5000")).expect(200);
    assert_eq!(receipt["paymentStatus"], "PENDING");
    assert_eq!(receipt["qrCodes"].as_array().unwrap().len(), 2);
    let code = receipt["qrCode"].as_str().unwrap().to_owned();
    assert!(is_code(&code), "{code}");
    assert_eq!(receipt["qrCodes"][0]["cup"], "1/2");
    assert_eq!(validate(till, &code), json!({ "valid": false, "reason": "unpaid" }));

    // 14 to 20: the payment, and the whole receipt in its answer.
    let payment = till.post("/api/Payment", &Till::cash(&order)).expect(201);
    assert_eq!(payment["status"], "PAID");
    let receipt = &payment["receipt"];
    assert_eq!(receipt["paymentStatus"], "PAID");
    assert_eq!(receipt["paymentMethod"], "CASH");
    assert_eq!(receipt["total"], order["price"]["total"]);
    assert_eq!(receipt["items"].as_array().unwrap().len(), 2);
    assert_eq!(receipt["qrPending"], false);
    assert_eq!(receipt["qrCodes"][0]["status"], "ACTIVE");
    assert_eq!(receipt["qrCode"], code.as_str());

    // 21, 22: the order is being made; stock has moved.
    shop.books().settle();
    assert_eq!(till.get(&format!("/api/Order/{order_id}")).expect(200)["status"], "PROCESSING");
    assert_eq!(on_hand(till, "Cold brew keg"), stock_before - 2 * 240);

    // 23: the receipt for the printer.
    let printed = till.get(&format!("/api/Order/{order_id}/receipt")).expect(200);
    assert_eq!(&printed, receipt);

    // 33 to 36: the code pours once; 8 seconds for 240 ml.
    assert_eq!(validate(till, &code), json!({ "valid": true, "productName": "Cold brew", "dispenseDuration": 8 }));
    assert_eq!(validate(till, &code), json!({ "valid": false, "reason": "used" }));

    // The second cup, by a dispenser with the lease protocol.
    let second = receipt["qrCodes"][1]["code"].as_str().unwrap();
    let scan = json!({ "code": second, "deviceId": "bar-1", "attemptId": "a1", "journalEpoch": "e1" });
    let grant = till.post("/api/QrCode/validate", &scan).expect(200);
    assert_eq!(grant["valid"], true);
    let mut elsewhere = scan.clone();
    elsewhere["deviceId"] = json!("bar-2");
    assert_eq!(till.post("/api/QrCode/validate", &elsewhere).expect(200)["reason"], "in_use");
    let report =
        json!({ "dispenseId": grant["dispenseId"], "deviceId": "bar-1", "outcome": "completed", "pouredMs": 8000 });
    till.post(&format!("/api/QrCode/{second}/complete"), &report).expect(200);

    // Staff hand the croissant over, and the order is complete.
    shop.books().settle();
    let order = till.get(&format!("/api/Order/{order_id}")).expect(200);
    assert_eq!(order["items"][0]["poured"], 2);
    let done = till.patch(&format!("/api/Order/{order_id}"), &json!({ "status": "COMPLETED" })).expect(200);
    assert_eq!(done["status"], "COMPLETED");
    shop.books().check();
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

#[test]
fn a_guest_pays_by_qris_and_the_receipt_says_that_it_is_a_test() {
    let shop = Shop::demo(&[]);
    let running = shop.start();
    let till = &running.till;
    let order = till.post("/api/Order", &Till::order(&[(&till.product("Orange juice"), 1)])).expect(201);
    let pay = json!({ "orderId": order["orderId"], "method": "QRIS", "amount": order["price"]["total"] });
    let payment = till.post("/api/Payment", &pay).expect(201);
    assert_eq!(payment["status"], "PAID");
    assert!(payment["qris"]["payload"].as_str().unwrap().starts_with("000201010212"), "{payment}");
    assert_eq!(payment["receipt"]["isTest"], true);
    shop.books().check();
}

fn validate(till: &Till, code: &str) -> Value {
    till.post("/api/QrCode/validate", &json!({ "code": code })).expect(200)
}

fn on_hand(till: &Till, name: &str) -> i64 {
    let page = till.get("/api/Inventory?limit=200").expect(200);
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
