//! The books: whatever machines, time, a lossy network and staff do, no cup is poured twice and none is lost.
//!
//! A model of machines as the lease protocol wants them (a journal, reports before scans) plays against the router:
//! requests and answers are lost, delayed or doubled, the power goes, journals are formatted.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    ids::DispenseId,
    qr::{CodeStatus, HeartbeatResponse},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::*;

const ROUNDS: usize = 12;
const STEPS_PER_ROUND: usize = 150;
const MACHINES: [&str; 3] = ["seven", "eight", "nine"];

/// A cup of an order.
type CupKey = (OrderId, u32);

struct Machine {
    name: &'static str,
    epoch: u32,
    attempts: u32,
    seen_grants: i64,
    /// The scan that it waits to be answered: attempt and code.
    asking: Option<(String, String)>,
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
    /// The journals of which something arrived.
    heard: BTreeSet<String>,
    /// Answers to scans that are on their way.
    answers: Vec<(Request, Value)>,
    orders: Vec<OrderId>,
    /// Every code ever seen, and its cup.
    cup_of: BTreeMap<String, CupKey>,
    /// Where each code stood when it was looked at last.
    stood: BTreeMap<String, CodeStatus>,
    drinks: BTreeMap<CupKey, u32>,
    /// Cups of which a caller without leases never heard that it may pour: at most once is all that it is promised.
    excused: BTreeSet<CupKey>,
}

#[tokio::test]
async fn no_cup_is_poured_twice_and_none_is_lost() {
    let seed = testkit::seed();
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
        let machine = |name| Machine {
            name,
            epoch: 1,
            attempts: 0,
            seen_grants: 0,
            asking: None,
            journal: vec![],
            closed: BTreeSet::new(),
        };
        Self {
            bar: Bar::open().await,
            random: StdRng::seed_from_u64(seed),
            machines: MACHINES.map(machine).into(),
            delayed: vec![],
            heard: BTreeSet::new(),
            answers: vec![],
            orders: vec![],
            cup_of: BTreeMap::new(),
            stood: BTreeMap::new(),
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
            72..75 => self.deliver_delayed().await,
            75..78 => self.deliver_answer(),
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
        let reply = self.post(&request).await;
        if fate == 2 {
            return None;
        }
        done_or_late(reply)
    }

    async fn post(&mut self, request: &Request) -> Reply {
        self.heard.extend(request.body["journalEpoch"].as_str().map(str::to_owned));
        self.bar.client.post(&request.path, &request.body).await
    }

    async fn deliver_delayed(&mut self) {
        if self.delayed.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.delayed.len());
        let request = self.delayed.swap_remove(at);
        let reply = self.post(&request).await;
        self.answers.extend(done_or_late(reply).map(|answer| (request, answer)));
    }

    fn deliver_answer(&mut self) {
        if !self.answers.is_empty() {
            let at = self.random.random_range(0..self.answers.len());
            let (request, answer) = self.answers.swap_remove(at);
            self.answered(&request, answer);
        }
    }

    fn answered(&mut self, request: &Request, answer: Value) {
        let machine = self.machines.iter_mut().find(|machine| machine.name == request.from).unwrap();
        machine.answered(request, answer);
    }

    /// A machine that holds nothing scans any code that was ever printed, asks again, or gives it up.
    async fn scan(&mut self, machine: usize) {
        let Some(code) = self.any_code() else { return };
        if self.random.random_bool(0.2) {
            self.machines[machine].asking = None;
        }
        let Some(request) = self.machines[machine].scan(&code) else { return };
        match self.send(request.clone()).await {
            Some(answer) if self.random.random_bool(0.3) => self.answers.push((request, answer)),
            Some(answer) => self.answered(&request, answer),
            None => {}
        }
    }

    async fn two_scan_at_once(&mut self) {
        let Some(code) = self.any_code() else { return };
        self.machines[..2].iter_mut().for_each(|machine| machine.asking = None);
        let (Some(first), Some(second)) = (self.machines[0].scan(&code), self.machines[1].scan(&code)) else { return };
        let ask = |request: Request| {
            let client = self.bar.client.clone();
            tokio::spawn(async move { done_or_late(client.post(&request.path, &request.body).await) })
        };
        self.heard.extend([self.machines[0].journal_epoch(), self.machines[1].journal_epoch()]);
        let (one, other) = (ask(first.clone()), ask(second.clone()));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        let is_valid = |answer: &Option<Value>| answer.as_ref().is_some_and(|answer| answer["valid"] == true);
        assert!(!is_valid(&one) || !is_valid(&other), "both may pour {code}");
        for (request, answer) in [(first, one), (second, other)] {
            if let Some(answer) = answer {
                self.answered(&request, answer);
            }
        }
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
            let answer: HeartbeatResponse = serde_json::from_value(answer).unwrap();
            self.machines[machine].seen_grants = answer.grants;
        }
    }

    /// Someone formats a machine's flash; its old requests are still on their way. Those of a journal of which nothing
    /// ever arrived are not: it takes longer than a network keeps what it has.
    fn format(&mut self, machine: usize) {
        let machine = &mut self.machines[machine];
        let (name, old) = (machine.name, machine.journal_epoch());
        machine.epoch += 1;
        machine.seen_grants = 0;
        machine.asking = None;
        machine.journal.clear();
        machine.closed.clear();
        if !self.heard.contains(&old) {
            self.delayed.retain(|request| request.from != name || request.body["journalEpoch"] != old);
        }
    }

    async fn time_passes(&mut self) {
        self.bar.world.clock.advance(Duration::from_secs(self.random.random_range(1..600)));
        if self.random.random_bool(0.5) {
            self.bar.codes.expire_due().await.unwrap();
        }
    }

    /// Staff look at their board, and at one cup.
    async fn staff(&mut self) {
        let waiting = self.bar.attention("").await;
        let codes = waiting.items.into_iter().map(|waiting| waiting.code);
        let ours: Vec<_> = codes.filter(|code| self.orders.contains(&code.order_id)).collect();
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
            // Only of a machine that is dead: this one lives, and pours it or gives it back.
            CodeStatus::Leased if self.machines.iter().any(|machine| machine.may_pour(&code.code)) => {}
            CodeStatus::Leased => {
                let decision = if has_drink { "poured" } else { "not_poured" };
                self.bar.resolve(code, decision).await.expect(200);
            }
            // A machine said late that it poured this.
            CodeStatus::Used | CodeStatus::Void => {
                self.bar.resolve(code, "poured").await.expect(200);
            }
            CodeStatus::Pending | CodeStatus::Active | CodeStatus::Expired => {
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
                let stood = self.stood.insert(code.code.clone(), code.status);
                let is_legal = stood.is_none_or(|stood| stood == code.status || stood.can_transition_to(code.status));
                assert!(is_legal, "{code:?} was {stood:?}");
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
                self.check().await;
            }
            self.machines[machine].journal.clear();
            self.machines[machine].asking = None;
            for _ in 0..2 {
                let heartbeat = self.machines[machine].heartbeat();
                let answer: HeartbeatResponse = self.post(&heartbeat).await.read(200);
                self.machines[machine].seen_grants = answer.grants;
                self.check().await;
            }
        }
        self.delayed.clear();
        self.answers.clear();
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

/// The answer. `None`: it came from a journal that is not the machine's any more.
fn done_or_late(reply: Reply) -> Option<Value> {
    match reply.status.as_u16() {
        409 => {
            let _ = reply.problem(409, "former-journal");
            None
        }
        _ => Some(reply.expect(200)),
    }
}

impl Machine {
    fn journal_epoch(&self) -> String {
        format!("{}-{}", self.name, self.epoch)
    }

    /// A scan, or the one that waits again, unless something must be poured or reported first.
    fn scan(&mut self, code: &str) -> Option<Request> {
        if !self.journal.is_empty() {
            return None;
        }
        if self.asking.is_none() {
            self.attempts += 1;
            self.asking = Some((self.attempts.to_string(), code.to_owned()));
        }
        let (attempt, code) = self.asking.clone()?;
        let body = json!({
            "code": code, "deviceId": self.name, "attemptId": attempt, "journalEpoch": self.journal_epoch(),
        });
        Some(Request { from: self.name, path: "/api/QrCode/validate".into(), body })
    }

    /// Takes an answer to the scan that it waits for; any other comes too late.
    fn answered(&mut self, request: &Request, answer: Value) {
        let (Some(attempt), Some(code)) = (request.body["attemptId"].as_str(), request.body["code"].as_str()) else {
            return;
        };
        let is_awaited = self.asking.as_ref().is_some_and(|(open, _)| open == attempt);
        let is_of_this_journal = request.body["journalEpoch"] == self.journal_epoch();
        if !is_awaited || !is_of_this_journal {
            return;
        }
        self.asking = None;
        let (code, answer): (_, ValidateCodeResponse) = (code.to_owned(), serde_json::from_value(answer).unwrap());
        let (Some(dispense_id), Some(duration)) = (answer.dispense_id, answer.dispense_duration) else { return };
        assert!(!self.closed.contains(&dispense_id), "a closed grant was given again");
        self.journal.push(Entry { dispense_id, code, duration_ms: duration.millis, report: None });
    }

    /// Whether it may still pour by a grant of this code.
    fn may_pour(&self, code: &str) -> bool {
        let is_open = self.journal.iter().any(|entry| entry.code == code);
        is_open || self.asking.as_ref().is_some_and(|(_, asked)| asked == code)
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
            "seenGrants": self.seen_grants, "openAttemptId": self.asking.as_ref().map(|(attempt, _)| attempt),
        });
        Request { from: self.name, path: "/api/QrCode/heartbeat".into(), body }
    }
}
