//! Random commands, many tills at once: whatever they do, every answer is the right one and the books add up.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{http::Till, program::TestShop};

const TILLS: u64 = 6;

/// What a till knows of an order that it placed: only this till pays, cancels or pours it.
#[derive(Clone, Debug, PartialEq)]
enum Stands {
    Unpaid,
    Paid { codes: Vec<String> },
    Cancelled,
    Done,
}

struct Placed {
    order: Value,
    stands: Stands,
}

#[test]
fn whatever_tills_do_at_once_money_stock_and_drinks_add_up() {
    let seed = testkit::seed();
    let steps = if std::env::var_os("FNB_TEST_LONG").is_some() { 600 } else { 120 };
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let menu: Vec<Value> = ["Cold brew", "Orange juice", "Caffè latte", "Butter croissant", "Pain au chocolat"]
        .map(|name| running.till.product(name))
        .into();
    std::thread::scope(|scope| {
        for till in 0..TILLS {
            let (till_of, menu) = (running.till.clone(), &menu);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed ^ till);
                let mut orders: Vec<Placed> = Vec::new();
                for step in 0..steps {
                    act(&till_of, menu, &mut orders, &mut random, &format!("{till}-{step}"));
                }
            });
        }
    });
    shop.books().check();
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

fn act(till: &Till, menu: &[Value], orders: &mut Vec<Placed>, random: &mut StdRng, key: &str) {
    if orders.is_empty() || random.random_ratio(1, 3) {
        return place(till, menu, orders, random, key);
    }
    let chosen = random.random_range(0..orders.len());
    let placed = &mut orders[chosen];
    match random.random_range(0..8) {
        0..=3 => pay(till, placed, random, key),
        4 => cancel(till, placed),
        5 | 6 => pour(till, placed, random),
        _ => hand_over(till, placed),
    }
}

/// An order; one in four is sent twice with one key, and is one order.
fn place(till: &Till, menu: &[Value], orders: &mut Vec<Placed>, random: &mut StdRng, key: &str) {
    let lines: Vec<(&Value, u32)> = (0..random.random_range(1..4))
        .map(|_| (&menu[random.random_range(0..menu.len())], random.random_range(1..3)))
        .collect();
    let request = Till::order(&lines);
    let answer = till.post_with_key("/api/Order", key, &request);
    if answer.status == 409 {
        answer.problem(409, "out-of-stock");
        return;
    }
    let order = answer.expect(201);
    if random.random_ratio(1, 4) {
        assert_eq!(till.post_with_key("/api/Order", key, &request).expect(201), order);
    }
    orders.push(Placed { order, stands: Stands::Unpaid });
}

/// Pays, now and then too little, too much, or twice at the same instant.
fn pay(till: &Till, placed: &mut Placed, random: &mut StdRng, key: &str) {
    let cash = Till::cash(&placed.order);
    if placed.stands != Stands::Unpaid {
        let refused = till.post("/api/Payment", &cash);
        assert_eq!(refused.status, 409, "{:?}: {:#}", placed.stands, refused.body);
        return;
    }
    let mut wrong = cash.clone();
    match random.random_range(0..4) {
        0 => {
            wrong["amount"] = json!(cash["amount"].as_i64().unwrap() - 1);
            till.post("/api/Payment", &wrong).problem(409, "amount-mismatch");
        }
        1 => {
            wrong["tendered"] = json!(0);
            till.post("/api/Payment", &wrong).problem(422, "insufficient-tender");
        }
        2 => {
            // Two tills, one order, one instant: one of them takes the money.
            let both = std::thread::scope(|scope| {
                let sent = [0, 1].map(|_| scope.spawn(|| till.post("/api/Payment", &cash)));
                sent.map(|sent| sent.join().unwrap())
            });
            let mut statuses = [both[0].status, both[1].status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409], "{both:?}");
            let paid = both.into_iter().find(|answer| answer.status == 201).unwrap();
            placed.stands = Stands::Paid { codes: codes(till, &paid.body) };
        }
        _ => {
            let paid = till.post_with_key("/api/Payment", key, &cash).expect(201);
            let again = till.post_with_key("/api/Payment", key, &cash).expect(201);
            assert_eq!(again["paymentId"], paid["paymentId"]);
            placed.stands = Stands::Paid { codes: codes(till, &paid) };
        }
    }
}

fn codes(till: &Till, payment: &Value) -> Vec<String> {
    let receipt = till.receipt(payment);
    let codes = receipt["qrCodes"].as_array().unwrap().iter();
    codes.map(|code| code["code"].as_str().unwrap().to_owned()).collect()
}

fn cancel(till: &Till, placed: &mut Placed) {
    let path = format!("/api/Order/{}?reason=test", placed.order["orderId"].as_str().unwrap());
    match placed.stands {
        Stands::Unpaid | Stands::Cancelled => {
            assert_eq!(till.delete(&path).expect(200)["status"], "CANCELLED");
            placed.stands = Stands::Cancelled;
        }
        Stands::Paid { .. } | Stands::Done => {
            till.delete(&path).problem(409, "illegal-transition");
        }
    }
}

/// Two machines, one code, one instant: one of them pours.
fn pour(till: &Till, placed: &mut Placed, random: &mut StdRng) {
    let Stands::Paid { codes } = &mut placed.stands else { return };
    if codes.is_empty() {
        return;
    }
    let code = codes.swap_remove(random.random_range(0..codes.len()));
    let valid = std::thread::scope(|scope| {
        let sent = ["left", "right"].map(|device| {
            let scan =
                json!({ "code": code, "deviceId": format!("{device}-{code}"), "attemptId": "1", "journalEpoch": "1" });
            scope.spawn(move || till.post("/api/QrCode/validate", &scan).expect(200))
        });
        sent.map(|sent| sent.join().unwrap())
    });
    let granted: Vec<usize> = (0..2).filter(|machine| valid[*machine]["valid"] == true).collect();
    assert_eq!(granted.len(), 1, "{valid:#?}");
    let device = ["left", "right"][granted[0]];
    let report = json!({
        "dispenseId": valid[granted[0]]["dispenseId"], "deviceId": format!("{device}-{code}"),
        "outcome": "completed", "pouredMs": 8000,
    });
    let path = format!("/api/QrCode/{code}/complete");
    till.post(&path, &report).expect(200);
    till.post(&path, &report).expect(200);
    assert_eq!(till.post("/api/QrCode/validate", &json!({ "code": code })).expect(200)["reason"], "used");
}

fn hand_over(till: &Till, placed: &mut Placed) {
    let Stands::Paid { codes } = &placed.stands else { return };
    if !codes.is_empty() {
        return;
    }
    let path = format!("/api/Order/{}", placed.order["orderId"].as_str().unwrap());
    // Also where a machine that poured the last cup completed it: it is there already.
    till.patch(&path, &json!({ "status": "COMPLETED" })).expect(200);
    placed.stands = Stands::Done;
}
