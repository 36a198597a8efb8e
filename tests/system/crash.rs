//! The plug is pulled at random moments under load. Afterwards the books add up, nothing accepted is missing, and what was
//! on its way is sent again, as often as a till likes, and happens once.

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
    http::Till,
    patience::until,
    program::{Running, TestShop},
};

const TILLS: u64 = 8;
/// How long a round may take to sell what it is to sell before the plug is pulled.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Order,
    Payment,
    /// A code alone: to hear that it is valid uses it up.
    Pour,
    /// A code that a machine asks for, and reports of.
    Scan,
    Report,
}

/// What a till or a machine asks, and keeps until it is answered.
#[derive(Debug)]
struct Request {
    kind: Kind,
    path: String,
    key: String,
    body: Value,
}

impl Request {
    fn order(guest: &str, lines: &[(&Value, u32)]) -> Self {
        let mut body = Till::order(lines);
        body["customerName"] = json!(guest);
        Self::of(Kind::Order, "/api/Order", guest, body)
    }

    fn payment(guest: &str, body: Value) -> Self {
        Self::of(Kind::Payment, "/api/Payment", guest, body)
    }

    fn pour(guest: &str, code: &str) -> Self {
        Self::of(Kind::Pour, "/api/QrCode/validate", guest, json!({ "code": code }))
    }

    fn scan(guest: &str, code: &str, machine: &str) -> Self {
        let body = json!({ "code": code, "deviceId": machine, "attemptId": guest, "journalEpoch": "1" });
        Self::of(Kind::Scan, "/api/QrCode/validate", guest, body)
    }

    fn report(scan: &Self, grant: &Value) -> Self {
        let path = format!("/api/QrCode/{}/complete", scan.body["code"].as_str().unwrap());
        let body = json!({
            "dispenseId": grant["dispenseId"], "deviceId": scan.body["deviceId"],
            "outcome": "completed", "pouredMs": 8000,
        });
        Self::of(Kind::Report, &path, &scan.key, body)
    }

    fn of(kind: Kind, path: &str, guest: &str, body: Value) -> Self {
        Self { kind, path: path.to_owned(), key: guest.to_owned(), body }
    }

    /// Sends it; where it is answered, the answer is the right one.
    fn send(&self, till: &Till) -> Result<Value, ureq::Error> {
        let answer = till.try_post_with_key(&self.path, &self.key, &self.body)?;
        let (status, field, right) = match self.kind {
            Kind::Order => (201, "status", json!("PENDING")),
            Kind::Payment => (201, "status", json!("PAID")),
            Kind::Pour | Kind::Scan => (200, "valid", json!(true)),
            Kind::Report => (200, "status", json!("USED")),
        };
        let body = answer.expect(status);
        assert_eq!(body[field], right, "{self:?}: {body:#}");
        Ok(body)
    }

    /// Sends what was not answered again, three times: it happens, or has happened, once.
    fn send_again(&self, till: &Till) -> Value {
        if self.kind == Kind::Pour {
            // Whether it poured before the plug was pulled, only its answer knew.
            let answer = till.post(&self.path, &self.body).expect(200);
            assert!(answer["valid"] == true || answer["reason"] == "used", "{self:?}: {answer:#}");
            return answer;
        }
        let [first, second, third] = [(); 3].map(|()| self.send(till).expect("the program answers"));
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

/// What the program said yes to.
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
    fn note(&mut self, request: &Request, answer: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match request.kind {
            Kind::Order => drop(self.orders.insert(text(&answer["orderId"]), request.key.clone())),
            Kind::Payment => drop(self.payments.insert(text(&request.body["orderId"]), text(&answer["paymentId"]))),
            Kind::Pour => drop(self.poured.insert(text(&request.body["code"]))),
            Kind::Scan => {}
            Kind::Report => drop(self.poured.insert(text(&answer["code"]))),
        }
    }

    fn add(&mut self, more: Self) {
        self.orders.extend(more.orders);
        self.payments.extend(more.payments);
        self.poured.extend(more.poured);
    }
}

/// One morning, until the plug is pulled.
struct Round<'a> {
    running: &'a Running,
    cards: [Value; 2],
    is_pulled: AtomicBool,
    sales: Mutex<Sales>,
    unanswered: Mutex<Vec<Request>>,
}

/// The program is gone.
struct Gone;

impl Round<'_> {
    fn ask(&self, request: Request) -> Result<(Request, Value), Gone> {
        match request.send(&self.running.till) {
            Ok(answer) => {
                self.sales.lock().unwrap().note(&request, &answer);
                Ok((request, answer))
            }
            Err(error) => {
                let gone = self.gone(&error);
                self.unanswered.lock().unwrap().push(request);
                Err(gone)
            }
        }
    }

    /// Nothing but the plug is a reason not to answer.
    fn gone(&self, error: &ureq::Error) -> Gone {
        assert!(self.is_pulled.load(Ordering::SeqCst), "a program that runs does not answer: {error}");
        Gone
    }

    /// One guest: an order, mostly paid, mostly poured.
    fn serve(&self, guest: &str, machine: &str, random: &mut StdRng) -> Result<(), Gone> {
        let (_, order) = self.ask(Request::order(guest, &[(&self.cards[0], 1), (&self.cards[1], 2)]))?;
        if random.random_ratio(1, 5) {
            return Ok(());
        }
        let money = if random.random_ratio(1, 3) { Till::qris(&order) } else { Till::cash(&order) };
        let (_, payment) = self.ask(Request::payment(guest, money))?;
        let receipt = self.running.till.try_receipt(&payment).map_err(|error| self.gone(&error))?;
        let code = receipt["qrCode"].as_str().unwrap_or_else(|| panic!("a paid cup has no code: {receipt:#}"));
        match random.random_range(0..4) {
            0 => {}
            1 => drop(self.ask(Request::pour(guest, code))?),
            _ => {
                let (scan, grant) = self.ask(Request::scan(guest, code, machine))?;
                self.ask(Request::report(&scan, &grant))?;
            }
        }
        Ok(())
    }

    /// Whether there was something of everything that a killed program could lose.
    fn has_sold(&self, orders: usize) -> Result<(), String> {
        let sales = self.sales.lock().unwrap();
        let sold = [sales.orders.len(), sales.payments.len(), sales.poured.len()];
        if sold[0] >= orders && !sold.contains(&0) { Ok(()) } else { Err(format!("{sold:?} orders, payments, cups")) }
    }
}

/// Pulls the plug when it goes, also where waiting for the right moment failed: the tills sell until then.
struct Plug<'a>(&'a Round<'a>);

impl Drop for Plug<'_> {
    fn drop(&mut self) {
        self.0.is_pulled.store(true, Ordering::SeqCst);
        self.0.running.pull_the_plug();
    }
}

#[test]
fn whatever_was_accepted_before_the_plug_was_pulled_is_there_afterwards_and_nothing_twice() {
    let seed = testkit::seed();
    let mut random = StdRng::seed_from_u64(seed);
    let rounds = if std::env::var_os("FNB_TEST_LONG").is_some() { 12 } else { 6 };
    let shop = TestShop::demo(&[]);
    let mut all = Sales::default();

    for round_number in 0..rounds {
        let running = shop.start();
        deliver(&running.till);
        let round = Round {
            running: &running,
            cards: [running.till.product("Cold brew"), running.till.product("Caffè latte")],
            is_pulled: AtomicBool::new(false),
            sales: Mutex::default(),
            unanswered: Mutex::default(),
        };
        let orders_until_then = random.random_range(5..120);
        std::thread::scope(|scope| {
            for till in 0..TILLS {
                let mut random = StdRng::seed_from_u64(seed ^ (round_number << 32) ^ till);
                let round = &round;
                scope.spawn(move || {
                    for guest in 0.. {
                        let guest = format!("{round_number}-{till}-{guest}");
                        if round.serve(&guest, &format!("machine-{till}"), &mut random).is_err() {
                            return;
                        }
                    }
                });
            }
            let _plug = Plug(&round);
            until(PATIENCE, || round.has_sold(orders_until_then));
        });
        let (sales, unanswered) = (round.sales.into_inner().unwrap(), round.unanswered.into_inner().unwrap());
        drop(running);
        check(&shop, sales, unanswered, &mut all);
    }
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

/// More of everything than one round's guests take: a few rounds would drink the demo shop dry.
fn deliver(till: &Till) {
    let delivery = json!({ "reason": "RECEIVED", "quantity": 200_000 });
    let stock = till.get("/api/Inventory?limit=200").expect(200);
    for item in stock["items"].as_array().unwrap() {
        let path = format!("/api/Inventory/{}/adjust", item["inventoryId"].as_str().unwrap());
        till.post(&path, &delivery).expect(200);
    }
}

/// Starts the shop again, sends what was not answered again, and reads the books: they have what was said yes to, each
/// thing once, and nothing else.
fn check(shop: &TestShop, mut sales: Sales, unanswered: Vec<Request>, all: &mut Sales) {
    let running = shop.start();
    for request in unanswered {
        let answer = request.send_again(&running.till);
        sales.note(&request, &answer);
        if request.kind == Kind::Scan {
            let report = Request::report(&request, &answer);
            sales.note(&report, &report.send_again(&running.till));
        }
    }
    for code in &sales.poured {
        let again = running.till.post("/api/QrCode/validate", &json!({ "code": code })).expect(200);
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
    assert_eq!(orders.len(), all.orders.len(), "an order that nobody was told of");
    let used: i64 = books.codes().values().filter_map(|codes| codes.get("USED")).sum();
    assert_eq!(usize::try_from(used).unwrap(), all.poured.len(), "a cup that nobody had");
}
