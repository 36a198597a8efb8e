//! The program is killed at random moments under load. After a restart the books add up, nothing that was accepted is
//! missing, and a request without a response can be sent again, any number of times, and has its effect once.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    api_client::ApiClient,
    program::{RunningShop, TestShop},
    wait::wait_until,
};

const CLIENTS: u64 = 8;
/// Limit for a round to sell enough before the program is killed.
const SOLD_WITHIN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Order,
    Payment,
    /// A code without a machine's protocol: a valid response uses it up.
    Pour,
    /// A code that a machine scans; the report follows.
    Scan,
    Report,
}

/// A request of a till or a machine, which keeps it until it has a response.
#[derive(Debug)]
struct Request {
    kind: Kind,
    path: String,
    key: String,
    body: Value,
    /// The credential of the machine that sends it. `None`: a till does.
    machine: Option<ApiClient>,
}

impl Request {
    fn order(guest: &str, lines: &[(&Value, u32)]) -> Self {
        let mut body = ApiClient::order(lines);
        body["customerName"] = json!(guest);
        Self::of(Kind::Order, "/api/Order", guest, body)
    }

    fn payment(guest: &str, body: Value) -> Self {
        Self::of(Kind::Payment, "/api/Payment", guest, body)
    }

    fn pour(guest: &str, code: &str) -> Self {
        Self::of(Kind::Pour, "/api/QrCode/validate", guest, json!({ "code": code }))
    }

    fn scan(guest: &str, code: &str, machine: &ApiClient) -> Self {
        let body = json!({ "code": code, "attemptId": guest, "journalEpoch": "1" });
        Self { machine: Some(machine.clone()), ..Self::of(Kind::Scan, "/api/QrCode/validate", guest, body) }
    }

    fn report(scan: &Self, grant: &Value) -> Self {
        let path = format!("/api/QrCode/{}/complete", scan.body["code"].as_str().unwrap());
        let body = json!({ "dispenseId": grant["dispenseId"], "outcome": "completed", "pouredMs": 8000 });
        Self { machine: scan.machine.clone(), ..Self::of(Kind::Report, &path, &scan.key, body) }
    }

    fn of(kind: Kind, path: &str, guest: &str, body: Value) -> Self {
        Self { kind, path: path.to_owned(), key: guest.to_owned(), body, machine: None }
    }

    /// Sends it. A response must be a success.
    fn send(&self, client: &ApiClient) -> Result<Value, ureq::Error> {
        let sender = self.machine.as_ref().map_or_else(|| client.clone(), |machine| client.with_credential_of(machine));
        let response = sender.try_post_with_key(&self.path, &self.key, &self.body)?;
        let (status, field, right) = match self.kind {
            Kind::Order => (201, "status", json!("PENDING")),
            Kind::Payment => (201, "status", json!("PAID")),
            Kind::Pour | Kind::Scan => (200, "valid", json!(true)),
            Kind::Report => (200, "status", json!("USED")),
        };
        let body = response.expect(status);
        assert_eq!(body[field], right, "{self:?}: {body:#}");
        Ok(body)
    }

    /// Sends a request without a response again, three times: it has its effect once.
    fn send_again(&self, client: &ApiClient) -> Value {
        if self.kind == Kind::Pour {
            // Only the lost response held whether it poured before the kill.
            let response = client.post(&self.path, &self.body).expect(200);
            assert!(response["valid"] == true || response["reason"] == "used", "{self:?}: {response:#}");
            return response;
        }
        let [first, second, third] = [(); 3].map(|()| self.send(client).expect("the program answers"));
        let id = match self.kind {
            Kind::Order => "orderId",
            Kind::Payment => "paymentId",
            Kind::Pour | Kind::Report => "code",
            Kind::Scan => "dispenseId",
        };
        assert!(first[id].is_string(), "{self:?}: {first:#}");
        assert_eq!([&second[id], &third[id]], [&first[id], &first[id]], "{self:?}");
        first
    }
}

/// Everything that the program accepted.
#[derive(Default)]
struct Sales {
    /// Order and guest.
    orders: HashMap<String, String>,
    /// Order and payment.
    payments: HashMap<String, String>,
    /// Codes.
    poured: HashSet<String>,
}

impl Sales {
    fn note(&mut self, request: &Request, response: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match request.kind {
            Kind::Order => drop(self.orders.insert(text(&response["orderId"]), request.key.clone())),
            Kind::Payment => drop(self.payments.insert(text(&request.body["orderId"]), text(&response["paymentId"]))),
            Kind::Pour => drop(self.poured.insert(text(&request.body["code"]))),
            Kind::Scan => {}
            Kind::Report => drop(self.poured.insert(text(&response["code"]))),
        }
    }

    fn add(&mut self, more: Self) {
        self.orders.extend(more.orders);
        self.payments.extend(more.payments);
        self.poured.extend(more.poured);
    }
}

/// One run of the program until it is killed.
struct Round<'a> {
    running: &'a RunningShop,
    cards: [Value; 2],
    is_killed: AtomicBool,
    sales: Mutex<Sales>,
    unanswered: Mutex<Vec<Request>>,
}

/// The program was killed.
struct Killed;

impl Round<'_> {
    fn send(&self, request: Request) -> Result<(Request, Value), Killed> {
        match request.send(&self.running.client) {
            Ok(response) => {
                self.sales.lock().unwrap().note(&request, &response);
                Ok((request, response))
            }
            Err(error) => {
                let killed = self.killed(&error);
                self.unanswered.lock().unwrap().push(request);
                Err(killed)
            }
        }
    }

    /// Only a kill may leave a request without a response.
    fn killed(&self, error: &ureq::Error) -> Killed {
        assert!(self.is_killed.load(Ordering::SeqCst), "a running program does not respond: {error}");
        Killed
    }

    /// One guest: an order that is mostly paid and mostly poured.
    fn serve(&self, guest: &str, machine: &ApiClient, random: &mut StdRng) -> Result<(), Killed> {
        let (_, order) = self.send(Request::order(guest, &[(&self.cards[0], 1), (&self.cards[1], 2)]))?;
        if random.random_ratio(1, 5) {
            return Ok(());
        }
        let money = if random.random_ratio(1, 3) { ApiClient::qris(&order) } else { ApiClient::cash(&order) };
        let (_, payment) = self.send(Request::payment(guest, money))?;
        let receipt = self.running.client.try_receipt(&payment).map_err(|error| self.killed(&error))?;
        let code = receipt["qrCode"].as_str().unwrap_or_else(|| panic!("a paid cup has no code: {receipt:#}"));
        match random.random_range(0..4) {
            0 => {}
            1 => drop(self.send(Request::pour(guest, code))?),
            _ => {
                let (scan, grant) = self.send(Request::scan(guest, code, machine))?;
                self.send(Request::report(&scan, &grant))?;
            }
        }
        Ok(())
    }

    /// Whether enough orders, payments and cups were sold that a kill could lose some.
    fn has_sold(&self, orders: usize) -> Result<(), String> {
        let sales = self.sales.lock().unwrap();
        let sold = [sales.orders.len(), sales.payments.len(), sales.poured.len()];
        if sold[0] >= orders && !sold.contains(&0) { Ok(()) } else { Err(format!("{sold:?} orders, payments, cups")) }
    }
}

/// Kills the program when it is dropped, also if waiting for the right moment failed: the clients run until then.
struct KillOnDrop<'a>(&'a Round<'a>);

impl Drop for KillOnDrop<'_> {
    fn drop(&mut self) {
        self.0.is_killed.store(true, Ordering::SeqCst);
        self.0.running.kill();
    }
}

#[test]
fn everything_accepted_before_a_kill_is_there_after_it_and_nothing_twice() {
    let seed = testkit::seed();
    let mut random = StdRng::seed_from_u64(seed);
    let rounds = if std::env::var_os("FNB_TEST_LONG").is_some() { 12 } else { 6 };
    let shop = TestShop::demo(&[]);
    let mut all = Sales::default();
    let mut machines: Vec<ApiClient> = Vec::new();

    for round_number in 0..rounds {
        let running = shop.start();
        deliver(&running.client);
        if machines.is_empty() {
            machines = (0..CLIENTS).map(|number| running.client.pair_dispenser(&format!("Machine {number}"))).collect();
        }
        let round = Round {
            running: &running,
            cards: [running.client.product("Cold brew"), running.client.product("Caffè latte")],
            is_killed: AtomicBool::new(false),
            sales: Mutex::default(),
            unanswered: Mutex::default(),
        };
        let orders_until_then = random.random_range(5..120);
        std::thread::scope(|scope| {
            for (client, machine) in (0..CLIENTS).zip(&machines) {
                let mut random = StdRng::seed_from_u64(seed ^ (round_number << 32) ^ client);
                let round = &round;
                scope.spawn(move || {
                    for guest in 0.. {
                        let guest = format!("{round_number}-{client}-{guest}");
                        if round.serve(&guest, machine, &mut random).is_err() {
                            return;
                        }
                    }
                });
            }
            let _kill = KillOnDrop(&round);
            wait_until(SOLD_WITHIN, || round.has_sold(orders_until_then));
        });
        let (sales, unanswered) = (round.sales.into_inner().unwrap(), round.unanswered.into_inner().unwrap());
        drop(running);
        check(&shop, sales, unanswered, &mut all);
    }
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

/// Adds more stock than the guests of one round take, so that nothing runs out after a few rounds.
fn deliver(client: &ApiClient) {
    let delivery = json!({ "reason": "RECEIVED", "quantity": 200_000 });
    let stock = client.get("/api/Inventory?limit=200").expect(200);
    for item in stock["items"].as_array().unwrap() {
        let path = format!("/api/Inventory/{}/adjust", item["inventoryId"].as_str().unwrap());
        client.post(&path, &delivery).expect(200);
    }
}

/// Restarts the shop, sends requests without a response again, and checks the books: they have everything that was accepted,
/// once, and nothing else.
fn check(shop: &TestShop, mut sales: Sales, unanswered: Vec<Request>, all: &mut Sales) {
    let running = shop.start();
    for request in unanswered {
        let response = request.send_again(&running.client);
        sales.note(&request, &response);
        if request.kind == Kind::Scan {
            let report = Request::report(&request, &response);
            sales.note(&report, &report.send_again(&running.client));
        }
    }
    for code in &sales.poured {
        let again = running.client.post("/api/QrCode/validate", &json!({ "code": code })).expect(200);
        assert_eq!(again["reason"], "used", "{code} would pour a second time");
    }
    all.add(sales);

    let books = shop.books();
    books.check();
    let orders = books.orders();
    for (order_id, guest) in &all.orders {
        let order = orders.get(order_id).unwrap_or_else(|| panic!("the order {order_id} is lost"));
        assert_eq!(order.customer_name.as_ref(), Some(guest), "{order_id}");
        assert_eq!(order.payment_id.as_ref(), all.payments.get(order_id), "the payment of {order_id}");
    }
    assert_eq!(orders.len(), all.orders.len(), "an order that no response confirmed");
    let used: i64 = books.codes().values().filter_map(|codes| codes.get("USED")).sum();
    assert_eq!(usize::try_from(used).unwrap(), all.poured.len(), "a cup that no response confirmed");
}
