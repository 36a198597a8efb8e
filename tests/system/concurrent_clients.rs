//! Random requests of several clients at once: every response is right and the books add up.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{api_client::ApiClient, program::TestShop};

const CLIENTS: u64 = 6;

/// The state of an order as its client knows it: only this client pays, cancels or pours it.
#[derive(Clone, Debug, PartialEq)]
enum OrderState {
    Unpaid,
    Paid { codes: Vec<String> },
    Cancelled,
    Done,
}

/// Who sends requests.
struct Clients {
    till: ApiClient,
    machines: [ApiClient; 2],
}

struct Placed {
    order: Value,
    state: OrderState,
}

#[test]
fn whatever_clients_do_at_once_money_stock_and_drinks_add_up() {
    let seed = testkit::seed();
    let steps = if std::env::var_os("FNB_TEST_LONG").is_some() { 600 } else { 120 };
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    let menu: Vec<Value> = ["Cold brew", "Orange juice", "Caffè latte", "Butter croissant", "Pain au chocolat"]
        .map(|name| running.client.product(name))
        .into();
    let machines = ["Left", "Right"].map(|name| running.client.pair_dispenser(name));
    std::thread::scope(|scope| {
        for client_number in 0..CLIENTS {
            let (client, menu) = (Clients { till: running.client.clone(), machines: machines.clone() }, &menu);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed ^ client_number);
                let mut orders: Vec<Placed> = Vec::new();
                for step in 0..steps {
                    act(&client, menu, &mut orders, &mut random, &format!("{client_number}-{step}"));
                }
            });
        }
    });
    shop.books().check();
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

fn act(clients: &Clients, menu: &[Value], orders: &mut Vec<Placed>, random: &mut StdRng, key: &str) {
    let client = &clients.till;
    if orders.is_empty() || random.random_ratio(1, 3) {
        return place(client, menu, orders, random, key);
    }
    let chosen = random.random_range(0..orders.len());
    let placed = &mut orders[chosen];
    match random.random_range(0..8) {
        0..=3 => pay(client, placed, random, key),
        4 => cancel(client, placed),
        5 | 6 => pour(clients, placed, random),
        _ => hand_over(client, placed),
    }
}

/// Places an order. One in four is sent twice with the same key, and must be one order.
fn place(client: &ApiClient, menu: &[Value], orders: &mut Vec<Placed>, random: &mut StdRng, key: &str) {
    let lines: Vec<(&Value, u32)> = (0..random.random_range(1..4))
        .map(|_| (&menu[random.random_range(0..menu.len())], random.random_range(1..3)))
        .collect();
    let request = ApiClient::order(&lines);
    let response = client.post_with_key("/api/Order", key, &request);
    if response.status == 409 {
        response.problem(409, "out-of-stock");
        return;
    }
    let order = response.expect(201);
    if random.random_ratio(1, 4) {
        assert_eq!(client.post_with_key("/api/Order", key, &request).expect(201), order);
    }
    orders.push(Placed { order, state: OrderState::Unpaid });
}

/// Pays; sometimes the wrong amount, too little cash, or twice at the same instant.
fn pay(client: &ApiClient, placed: &mut Placed, random: &mut StdRng, key: &str) {
    let cash = ApiClient::cash(&placed.order);
    if placed.state != OrderState::Unpaid {
        let refused = client.post("/api/Payment", &cash);
        assert_eq!(refused.status, 409, "{:?}: {:#}", placed.state, refused.body);
        return;
    }
    let mut wrong = cash.clone();
    match random.random_range(0..4) {
        0 => {
            wrong["amount"] = json!(cash["amount"].as_i64().unwrap() - 1);
            client.post("/api/Payment", &wrong).problem(409, "amount-mismatch");
        }
        1 => {
            wrong["tendered"] = json!(0);
            client.post("/api/Payment", &wrong).problem(422, "insufficient-tender");
        }
        2 => {
            // Two payments of one order at the same instant: exactly one succeeds.
            let both = std::thread::scope(|scope| {
                let sent = [0, 1].map(|_| scope.spawn(|| client.post("/api/Payment", &cash)));
                sent.map(|sent| sent.join().unwrap())
            });
            let mut statuses = [both[0].status, both[1].status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409], "{both:?}");
            let paid = both.into_iter().find(|response| response.status == 201).unwrap();
            placed.state = OrderState::Paid { codes: codes(client, &paid.body) };
        }
        _ => {
            let paid = client.post_with_key("/api/Payment", key, &cash).expect(201);
            let again = client.post_with_key("/api/Payment", key, &cash).expect(201);
            assert_eq!(again["paymentId"], paid["paymentId"]);
            placed.state = OrderState::Paid { codes: codes(client, &paid) };
        }
    }
}

fn codes(client: &ApiClient, payment: &Value) -> Vec<String> {
    let receipt = client.receipt(payment);
    let codes = receipt["qrCodes"].as_array().unwrap().iter();
    codes.map(|code| code["code"].as_str().unwrap().to_owned()).collect()
}

fn cancel(client: &ApiClient, placed: &mut Placed) {
    let path = format!("/api/Order/{}?reason=test", placed.order["orderId"].as_str().unwrap());
    match placed.state {
        OrderState::Unpaid | OrderState::Cancelled => {
            assert_eq!(client.delete(&path).expect(200)["status"], "CANCELLED");
            placed.state = OrderState::Cancelled;
        }
        OrderState::Paid { .. } | OrderState::Done => {
            client.delete(&path).problem(409, "illegal-transition");
        }
    }
}

/// Two machines scan one code at the same instant: exactly one may pour.
fn pour(Clients { till, machines }: &Clients, placed: &mut Placed, random: &mut StdRng) {
    let OrderState::Paid { codes } = &mut placed.state else { return };
    if codes.is_empty() {
        return;
    }
    let code = codes.swap_remove(random.random_range(0..codes.len()));
    let scan = json!({ "code": code, "attemptId": code, "journalEpoch": "1" });
    let send = |machine: &ApiClient| machine.post("/api/QrCode/validate", &scan).expect(200);
    let valid = std::thread::scope(|scope| {
        let sent = machines.each_ref().map(|machine| scope.spawn(|| send(machine)));
        sent.map(|sent| sent.join().unwrap())
    });
    let granted: Vec<usize> = (0..2).filter(|machine| valid[*machine]["valid"] == true).collect();
    assert_eq!(granted.len(), 1, "{valid:#?}");
    let machine = &machines[granted[0]];
    let report = json!({ "dispenseId": valid[granted[0]]["dispenseId"], "outcome": "completed", "pouredMs": 8000 });
    let path = format!("/api/QrCode/{code}/complete");
    machine.post(&path, &report).expect(200);
    machine.post(&path, &report).expect(200);
    assert_eq!(till.post("/api/QrCode/validate", &json!({ "code": code })).expect(200)["reason"], "used");
}

fn hand_over(client: &ApiClient, placed: &mut Placed) {
    let OrderState::Paid { codes } = &placed.state else { return };
    if !codes.is_empty() {
        return;
    }
    let path = format!("/api/Order/{}", placed.order["orderId"].as_str().unwrap());
    // If a machine that poured the last cup has completed it already, this changes nothing.
    client.patch(&path, &json!({ "status": "COMPLETED" })).expect(200);
    placed.state = OrderState::Done;
}
