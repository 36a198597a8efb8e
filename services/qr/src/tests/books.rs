//! The books: whatever machines, time, a lossy network and staff do, no cup is poured twice and none is lost.
//!
//! A model of machines as the lease protocol wants them (a journal, reports before scans) plays against the router:
//! requests are lost, delayed or doubled, answers are lost, the power goes, journals are formatted.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    ids::DispenseId,
    qr::{CodeStatus, HeartbeatAnswer},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::*;

const ROUNDS: usize = 12;
const STEPS_PER_ROUND: usize = 150;
const MACHINES: [&str; 3] = ["seven", "eight", "nine"];

/// The seed of this run: `FNB_TEST_SEED` plays one again.
pub(super) fn seed() -> u64 {
    let given = std::env::var("FNB_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("FNB_TEST_SEED={seed}");
    seed
}

/// A cup of an order.
type CupKey = (OrderId, u32);

struct Machine {
    name: &'static str,
    epoch: u32,
    attempts: u32,
    seen_grants: i64,
    journal: Vec<Entry>,
    /// What was reported and acknowledged: it is never poured again.
    closed: BTreeSet<DispenseId>,
}

/// A grant in a machine's journal.
struct Entry {
    dispense_id: DispenseId,
    code: String,
    duration_ms: u32,
    /// `None`: not poured yet.
    report: Option<(&'static str, u32)>,
}

/// A request on its way.
#[derive(Clone)]
struct Request {
    from: &'static str,
    path: String,
    body: Value,
}

struct Books {
    bar: Bar,
    random: StdRng,
    machines: Vec<Machine>,
    delayed: Vec<Request>,
    orders: Vec<OrderId>,
    /// Every code ever seen, and its cup.
    cup_of: BTreeMap<String, CupKey>,
    drinks: BTreeMap<CupKey, u32>,
    /// Cups of which a caller without leases never heard that it may pour: at most once is all that it is promised.
    excused: BTreeSet<CupKey>,
}

#[tokio::test]
async fn no_cup_is_poured_twice_and_none_is_lost() {
    let seed = seed();
    let mut books = Books::open(seed).await;
    for _ in 0..ROUNDS {
        books.new_order().await;
        for _ in 0..STEPS_PER_ROUND {
            books.step().await;
            books.check().await;
        }
        books.close().await;
    }
    assert!(books.drinks.len() > ROUNDS, "something was poured");
}

impl Books {
    async fn open(seed: u64) -> Self {
        let machine =
            |name| Machine { name, epoch: 1, attempts: 0, seen_grants: 0, journal: vec![], closed: BTreeSet::new() };
        Self {
            bar: Bar::open().await,
            random: StdRng::seed_from_u64(seed),
            machines: MACHINES.map(machine).into(),
            delayed: vec![],
            orders: vec![],
            cup_of: BTreeMap::new(),
            drinks: BTreeMap::new(),
            excused: BTreeSet::new(),
        }
    }

    async fn step(&mut self) {
        let machine = self.random.random_range(0..self.machines.len());
        match self.random.random_range(0..100) {
            0..30 => self.scan(machine).await,
            30..50 => self.pour(machine),
            50..62 => self.flush(machine).await,
            62..72 => self.heartbeat(machine).await,
            72..78 => self.deliver_delayed().await,
            78..81 => self.format(machine),
            81..86 => self.time_passes().await,
            86..94 => self.staff().await,
            94..96 => self.scan_without_lease().await,
            96..98 => self.two_scan_at_once().await,
            _ if self.orders.len() < 3 => self.new_order().await,
            _ => {}
        }
    }

    async fn new_order(&mut self) {
        let lattes = self.random.random_range(1..=3);
        let cups = self.bar.paid_cups(lattes).await;
        self.orders.push(cups[0].order_id);
        self.check().await;
    }

    /// Sends a request. `None`: no answer came, whether or not it arrived.
    async fn send(&mut self, request: Request) -> Option<Value> {
        let fate = self.random.random_range(0..10);
        if fate < 2 {
            self.delayed.push(request.clone());
        }
        if fate == 0 {
            return None;
        }
        let reply = self.bar.client.post(&request.path, &request.body).await;
        if fate == 2 {
            return None;
        }
        Some(reply.expect(200))
    }

    async fn deliver_delayed(&mut self) {
        if self.delayed.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.delayed.len());
        let Request { path, body, .. } = self.delayed.swap_remove(at);
        self.bar.client.post(&path, &body).await.expect(200);
    }

    /// A machine that holds nothing scans any code that was ever printed.
    async fn scan(&mut self, machine: usize) {
        let Some(code) = self.any_code() else { return };
        let Some(request) = self.machines[machine].scan(&code) else { return };
        if let Some(answer) = self.send(request).await {
            self.machines[machine].granted(code, answer);
        }
    }

    async fn two_scan_at_once(&mut self) {
        let Some(code) = self.any_code() else { return };
        let (Some(first), Some(second)) = (self.machines[0].scan(&code), self.machines[1].scan(&code)) else { return };
        let ask = |request: Request| {
            let client = self.bar.client.clone();
            tokio::spawn(async move { client.post(&request.path, &request.body).await.expect(200) })
        };
        let (first, second) = (ask(first), ask(second));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert!(first["valid"] != true || second["valid"] != true, "both may pour {code}");
        self.machines[0].granted(code.clone(), first);
        self.machines[1].granted(code, second);
    }

    async fn scan_without_lease(&mut self) {
        let Some(code) = self.any_code() else { return };
        let body = json!({ "code": code });
        let answer = self.bar.client.post("/api/QrCode/validate", body).await.expect(200);
        if answer["valid"] != true {
            return;
        }
        let cup = self.cup_of[&code];
        match self.random.random_bool(0.5) {
            true => *self.drinks.entry(cup).or_default() += 1,
            false => _ = self.excused.insert(cup),
        }
    }

    /// What becomes of a grant that a machine holds: poured, in part, not at all, or the power goes.
    fn pour(&mut self, machine: usize) {
        let Some(entry) = self.machines[machine].journal.iter_mut().find(|entry| entry.report.is_none()) else {
            return;
        };
        let cup = self.cup_of[&entry.code];
        let part_ms = self.random.random_range(0..entry.duration_ms);
        let (report, poured_ms) = match self.random.random_range(0..6) {
            0..3 => (("completed", entry.duration_ms), entry.duration_ms),
            3 => (("not_poured", 0), 0),
            4 => (("partial", part_ms), part_ms),
            // The journal knows the last whole second.
            _ => (("interrupted", part_ms / 1000 * 1000), part_ms),
        };
        entry.report = Some(report);
        // Nine tenths are a drink, to the protocol as to staff.
        if poured_ms * 10 >= entry.duration_ms * 9 {
            *self.drinks.entry(cup).or_default() += 1;
        }
    }

    /// A machine delivers what it has to report.
    async fn flush(&mut self, machine: usize) {
        for request in self.machines[machine].reports() {
            let dispense_id: DispenseId = request.body["dispenseId"].as_str().unwrap().parse().unwrap();
            if self.send(request).await.is_some() {
                let Machine { journal, closed, .. } = &mut self.machines[machine];
                journal.retain(|entry| entry.dispense_id != dispense_id);
                closed.insert(dispense_id);
            }
        }
    }

    async fn heartbeat(&mut self, machine: usize) {
        let request = self.machines[machine].heartbeat();
        if let Some(answer) = self.send(request).await {
            let answer: HeartbeatAnswer = serde_json::from_value(answer).unwrap();
            self.machines[machine].seen_grants = answer.grants;
        }
    }

    /// Someone formats a machine's flash. It takes long enough for its old requests to be gone.
    fn format(&mut self, machine: usize) {
        let machine = &mut self.machines[machine];
        machine.epoch += 1;
        machine.seen_grants = 0;
        machine.journal.clear();
        machine.closed.clear();
        self.delayed.retain(|request| request.from != machine.name);
    }

    async fn time_passes(&mut self) {
        self.bar.world.clock.advance(Duration::from_secs(self.random.random_range(1..600)));
        if self.random.random_bool(0.5) {
            self.bar.codes.expire_due().await.unwrap();
        }
    }

    /// Staff look at their board, and at one cup.
    async fn staff(&mut self) {
        let waiting: Vec<CodeView> = self.bar.client.get("/api/QrCode/attention").await.read(200);
        let ours: Vec<_> = waiting.into_iter().filter(|code| self.orders.contains(&code.order_id)).collect();
        let Some(code) = ours.choose(&mut self.random).cloned() else { return };
        self.attend(&code).await;
    }

    async fn attend(&mut self, code: &CodeView) {
        let has_drink = self.drinks.contains_key(&(code.order_id, code.unit));
        match code.status {
            CodeStatus::Review => {
                let decision = if has_drink { "poured" } else { "not_poured" };
                self.bar.resolve(code, decision).await.expect(200);
            }
            _ => {
                let body = json!({ "orderId": code.order_id, "codes": [code.code] });
                self.bar.client.post("/api/QrCode/generate", body).await.expect(200);
            }
        }
    }

    fn any_code(&mut self) -> Option<String> {
        let known: Vec<&String> =
            self.cup_of.iter().filter(|(_, cup)| self.orders.contains(&cup.0)).map(|(code, _)| code).collect();
        known.choose(&mut self.random).map(|code| (*code).clone())
    }

    /// Each cup has one code that lives; none has two drinks; none is used without its drink.
    async fn check(&mut self) {
        for order_id in &self.orders {
            let codes = self.bar.codes_of(*order_id).await;
            let mut living: BTreeMap<CupKey, u32> = BTreeMap::new();
            for code in codes {
                let cup = (*order_id, code.unit);
                self.cup_of.insert(code.code.clone(), cup);
                *living.entry(cup).or_default() += u32::from(code.status != CodeStatus::Void);
                let drinks = self.drinks.get(&cup).copied().unwrap_or_default();
                assert!(drinks <= 1, "{code:?} was poured {drinks} times");
                let is_used = code.status == CodeStatus::Used;
                assert!(!is_used || drinks == 1 || self.excused.contains(&cup), "{code:?} is used and nobody has it");
                let pours_again = matches!(code.status, CodeStatus::Active | CodeStatus::Expired);
                assert!(!pours_again || drinks == 0, "{code:?} pours, and was poured");
                assert_ne!(code.status, CodeStatus::Pending, "{code:?} is paid");
            }
            assert!(living.values().all(|living| *living == 1), "{living:?}");
        }
    }

    /// The evening: everyone reports, staff decide what waits, and every cup that is left is poured.
    async fn close(&mut self) {
        for machine in 0..self.machines.len() {
            while self.machines[machine].journal.iter().any(|entry| entry.report.is_none()) {
                self.pour(machine);
            }
            for request in self.machines[machine].reports() {
                self.bar.client.post(&request.path, &request.body).await.expect(200);
            }
            self.machines[machine].journal.clear();
            for _ in 0..2 {
                let Request { path, body, .. } = self.machines[machine].heartbeat();
                let answer: HeartbeatAnswer = self.bar.client.post(&path, &body).await.read(200);
                self.machines[machine].seen_grants = answer.grants;
            }
        }
        self.delayed.clear();
        self.check().await;
        for order_id in std::mem::take(&mut self.orders) {
            for code in self.bar.codes_of(order_id).await {
                if matches!(code.status, CodeStatus::Review | CodeStatus::Expired) {
                    self.attend(&code).await;
                }
            }
            for code in self.bar.codes_of(order_id).await {
                self.pour_what_is_left(&code).await;
            }
        }
    }

    async fn pour_what_is_left(&mut self, code: &CodeView) {
        let cup = (code.order_id, code.unit);
        if code.status == CodeStatus::Active && code.expires_at <= self.bar.now() {
            return self.attend(code).await;
        }
        if code.status == CodeStatus::Active {
            assert!(self.bar.validate(json!({ "code": code.code })).await.valid);
            *self.drinks.entry(cup).or_default() += 1;
        }
        let ends = [CodeStatus::Active, CodeStatus::Used, CodeStatus::Void];
        assert!(ends.contains(&code.status), "{code:?} waits for nobody");
        let drinks = self.drinks.get(&cup).copied().unwrap_or_default();
        let is_settled = code.status == CodeStatus::Void || drinks == 1 || self.excused.contains(&cup);
        assert!(is_settled, "{code:?} was paid and poured {drinks} times");
    }
}

impl Machine {
    fn journal_epoch(&self) -> String {
        format!("{}-{}", self.name, self.epoch)
    }

    /// A scan, unless something must be poured or reported first.
    fn scan(&mut self, code: &str) -> Option<Request> {
        if !self.journal.is_empty() {
            return None;
        }
        self.attempts += 1;
        let body = json!({
            "code": code, "deviceId": self.name, "attemptId": self.attempts.to_string(),
            "journalEpoch": self.journal_epoch(),
        });
        Some(Request { from: self.name, path: "/api/QrCode/validate".into(), body })
    }

    fn granted(&mut self, code: String, answer: Value) {
        let answer: ValidateAnswer = serde_json::from_value(answer).unwrap();
        let (Some(dispense_id), Some(duration)) = (answer.dispense_id, answer.dispense_duration) else { return };
        assert!(!self.closed.contains(&dispense_id), "a closed grant was given again");
        self.journal.push(Entry { dispense_id, code, duration_ms: duration.millis, report: None });
    }

    fn reports(&self) -> Vec<Request> {
        let report = |entry: &Entry| {
            let (outcome, poured_ms) = entry.report?;
            let body = json!({
                "dispenseId": entry.dispense_id, "deviceId": self.name, "outcome": outcome, "pouredMs": poured_ms,
            });
            Some(Request { from: self.name, path: format!("/api/QrCode/{}/complete", entry.code), body })
        };
        self.journal.iter().filter_map(report).collect()
    }

    fn heartbeat(&self) -> Request {
        let open: Vec<DispenseId> = self.journal.iter().map(|entry| entry.dispense_id).collect();
        let body = json!({
            "deviceId": self.name, "journalEpoch": self.journal_epoch(), "openDispenses": open,
            "seenGrants": self.seen_grants,
        });
        Request { from: self.name, path: "/api/QrCode/heartbeat".into(), body }
    }
}
