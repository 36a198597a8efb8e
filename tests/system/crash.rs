//! The plug is pulled at random moments under load; afterwards the books add up and nothing accepted is missing.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{balance::seed, http::Till, program::Shop};

const TILLS: u64 = 8;

/// What the program said yes to.
#[derive(Default)]
struct Accepted {
    orders: Vec<String>,
    /// Order and payment.
    payments: HashMap<String, String>,
    poured: Vec<String>,
}

#[test]
fn whatever_was_accepted_before_the_plug_was_pulled_is_there_afterwards_and_nothing_twice() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let rounds = if std::env::var_os("FNB_TEST_LONG").is_some() { 12 } else { 6 };
    let shop = Shop::demo(&[]);
    let accepted = Mutex::new(Accepted::default());

    for round in 0..rounds {
        let running = shop.start();
        let requests_until_kill = random.random_range(20..400);
        let done = AtomicU32::new(0);
        let cards = [running.till.product("Cold brew"), running.till.product("Caffè latte")];
        deliver(&running.till);
        let selling = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for till in 0..TILLS {
                let mut random = StdRng::seed_from_u64(seed ^ (round << 32) ^ till);
                let (running, accepted, done, cards) = (&running, &accepted, &done, &cards);
                let selling = Selling::begin(&selling);
                scope.spawn(move || {
                    let _selling = selling;
                    while done.load(Ordering::Relaxed) < requests_until_kill {
                        if sell(&running.till, cards, &mut random, accepted, done).is_none() {
                            return;
                        }
                    }
                });
            }
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) < requests_until_kill / 2 && selling.load(Ordering::Relaxed) > 0 {
                    std::thread::yield_now();
                }
                running.pull_the_plug();
            });
        });
        drop(running);
        check(&shop, &accepted.lock().unwrap());
    }
    assert!(!shop.log().contains("panicked"), "{}", shop.log());
}

/// A till that sells. When none does, because all have failed, nobody waits for their requests.
struct Selling<'a>(&'a AtomicU32);

impl<'a> Selling<'a> {
    fn begin(selling: &'a AtomicU32) -> Self {
        selling.fetch_add(1, Ordering::Relaxed);
        Self(selling)
    }
}

impl Drop for Selling<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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

/// One guest: an order, mostly paid, mostly poured. `None`: the program is gone.
fn sell(
    till: &Till,
    cards: &[Value; 2],
    random: &mut StdRng,
    accepted: &Mutex<Accepted>,
    done: &AtomicU32,
) -> Option<()> {
    let key = format!("till-{}", random.random::<u64>());
    let order = till.try_post("/api/Order", Some(&key), &Till::order(&[(&cards[0], 1), (&cards[1], 2)]))?;
    done.fetch_add(1, Ordering::Relaxed);
    let order = order.expect(201);
    let order_id = order["orderId"].as_str().unwrap().to_owned();
    accepted.lock().unwrap().orders.push(order_id.clone());
    if random.random_ratio(1, 5) {
        return Some(());
    }
    let payment = till.try_post("/api/Payment", Some(&key), &Till::cash(&order))?;
    done.fetch_add(1, Ordering::Relaxed);
    let payment = payment.expect(201);
    accepted.lock().unwrap().payments.insert(order_id, payment["paymentId"].as_str().unwrap().to_owned());
    let Some(code) = payment["receipt"]["qrCode"].as_str() else { return Some(()) };
    if random.random_ratio(1, 3) {
        return Some(());
    }
    let poured = till.try_post("/api/QrCode/validate", None, &json!({ "code": code }))?.expect(200);
    done.fetch_add(1, Ordering::Relaxed);
    if poured["valid"] == true {
        accepted.lock().unwrap().poured.push(code.to_owned());
    }
    Some(())
}

/// Starts the shop again, and reads its books.
fn check(shop: &Shop, accepted: &Accepted) {
    let running = shop.start();
    let books = shop.books();
    books.check();
    let orders = books.orders();
    for order_id in &accepted.orders {
        assert!(orders.contains_key(order_id), "the order {order_id} is lost");
    }
    for (order_id, payment_id) in &accepted.payments {
        assert_eq!(orders[order_id].payment_id.as_ref(), Some(payment_id), "the payment of {order_id} is lost");
    }
    for code in &accepted.poured {
        let again = running.till.post("/api/QrCode/validate", &json!({ "code": code })).expect(200);
        assert_eq!(again["reason"], "used", "{code} would pour a second time");
    }
}
