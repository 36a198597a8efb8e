//! Whatever devices, time, a lossy network, strangers and staff do, no cup is poured twice and none is lost.
//!
//! A model of devices that keep to the lease protocol (a journal, reports before scans) runs against the router:
//! requests and answers are lost, delayed or duplicated, the power fails, journals are formatted.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    ids::DispenseId,
    qr::{CodeStatus, HeartbeatResponse},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::*;

const ROUNDS: usize = 12;
const STEPS_PER_ROUND: usize = 150;
const DEVICES: [&str; 3] = ["seven", "eight", "nine"];

/// A cup of an order.
type CupKey = (OrderId, u32);

struct Device {
    name: &'static str,
    epoch: u32,
    attempts: u32,
    seen_grants: i64,
    /// The scan that waits for its answer: attempt and code.
    open_scan: Option<(String, String)>,
    journal: Vec<Entry>,
    /// Grants that were reported and acknowledged: they are never poured again.
    closed: BTreeSet<DispenseId>,
}

/// A grant in a device's journal.
struct Entry {
    dispense_id: DispenseId,
    code: String,
    duration_ms: u32,
    /// `None`: not poured yet.
    report: Option<(&'static str, u32)>,
}

/// A request that a device sends.
#[derive(Clone)]
struct Request {
    from: &'static str,
    path: String,
    body: Value,
}

struct Simulation {
    bar: Bar,
    random: StdRng,
    devices: Vec<Device>,
    delayed: Vec<Request>,
    strangers: u32,
    /// Answers to scans that are on their way.
    answers: Vec<(Request, Value)>,
    orders: Vec<OrderId>,
    /// Every code ever seen, and its cup.
    cup_of: BTreeMap<String, CupKey>,
    /// The last known status of each code.
    statuses: BTreeMap<String, CodeStatus>,
    drinks: BTreeMap<CupKey, u32>,
    /// Cups whose redemption was answered to nobody: without the lease protocol, at most once is all that is promised.
    excused: BTreeSet<CupKey>,
}

#[tokio::test]
async fn no_cup_is_poured_twice_and_none_is_lost() {
    let seed = testkit::seed();
    let mut simulation = Simulation::open(seed).await;
    for device in 0..DEVICES.len() {
        // A device that the shop knows: a stranger cannot be the first to use its id.
        simulation.heartbeat_until_answered(device).await;
    }
    for _ in 0..ROUNDS {
        simulation.new_order().await;
        for _ in 0..STEPS_PER_ROUND {
            simulation.step().await;
            simulation.check().await;
        }
        simulation.close().await;
    }
    assert!(simulation.drinks.len() > ROUNDS, "something was poured");
}

impl Simulation {
    async fn open(seed: u64) -> Self {
        let device = |name| Device {
            name,
            epoch: 1,
            attempts: 0,
            seen_grants: 0,
            open_scan: None,
            journal: vec![],
            closed: BTreeSet::new(),
        };
        Self {
            bar: Bar::open().await,
            random: StdRng::seed_from_u64(seed),
            devices: DEVICES.map(device).into(),
            delayed: vec![],
            strangers: 0,
            answers: vec![],
            orders: vec![],
            cup_of: BTreeMap::new(),
            statuses: BTreeMap::new(),
            drinks: BTreeMap::new(),
            excused: BTreeSet::new(),
        }
    }

    async fn step(&mut self) {
        let device = self.random.random_range(0..self.devices.len());
        match self.random.random_range(0..100) {
            0..30 => self.scan(device).await,
            30..50 => self.pour(device),
            50..62 => self.flush(device).await,
            62..72 => self.heartbeat(device).await,
            72..75 => self.deliver_delayed().await,
            75..78 => self.deliver_answer(),
            78..81 => self.format(device),
            81..86 => self.time_passes().await,
            86..94 => self.staff().await,
            94..96 => self.scan_without_lease().await,
            96..98 => self.two_scan_at_once().await,
            98 => self.stranger(device).await,
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

    /// Sends a request. `None`: no answer came, whether or not the request arrived.
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
        answer_unless_not_current(reply)
    }

    async fn post(&mut self, request: &Request) -> Reply {
        self.bar.post(&request.path, &request.body).await
    }

    async fn deliver_delayed(&mut self) {
        if self.delayed.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.delayed.len());
        let request = self.delayed.swap_remove(at);
        let reply = self.post(&request).await;
        self.answers.extend(answer_unless_not_current(reply).map(|answer| (request, answer)));
    }

    fn deliver_answer(&mut self) {
        if !self.answers.is_empty() {
            let at = self.random.random_range(0..self.answers.len());
            let (request, answer) = self.answers.swap_remove(at);
            self.answered(&request, answer);
        }
    }

    fn answered(&mut self, request: &Request, answer: Value) {
        let device = self.devices.iter_mut().find(|device| device.name == request.from).unwrap();
        device.answered(request, answer);
    }

    /// A device without grants scans any code that was ever issued, retries, or cancels its scan.
    async fn scan(&mut self, device: usize) {
        let Some(code) = self.any_code() else { return };
        if self.random.random_bool(0.2) {
            self.devices[device].open_scan = None;
        }
        let Some(request) = self.devices[device].scan(&code) else { return };
        match self.send(request.clone()).await {
            Some(answer) if self.random.random_bool(0.3) => self.answers.push((request, answer)),
            Some(answer) => self.answered(&request, answer),
            None => {}
        }
    }

    async fn two_scan_at_once(&mut self) {
        let Some(code) = self.any_code() else { return };
        self.devices[..2].iter_mut().for_each(|device| device.open_scan = None);
        let (Some(first), Some(second)) = (self.devices[0].scan(&code), self.devices[1].scan(&code)) else { return };
        let ask = |request: Request| {
            let (client, body) = self.bar.sender_of(&request.body);
            tokio::spawn(async move { answer_unless_not_current(client.post(&request.path, body).await) })
        };
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

    /// A grant that a device holds is poured, in part or not at all, or the power fails.
    fn pour(&mut self, device: usize) {
        let Some(entry) = self.devices[device].journal.iter_mut().find(|entry| entry.report.is_none()) else {
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
        // Nine tenths are a drink for the protocol and for staff.
        if poured_ms * 10 >= entry.duration_ms * 9 {
            *self.drinks.entry(cup).or_default() += 1;
        }
    }

    /// A device sends its reports.
    async fn flush(&mut self, device: usize) {
        for request in self.devices[device].reports() {
            let dispense_id: DispenseId = request.body["dispenseId"].as_str().unwrap().parse().unwrap();
            if self.send(request).await.is_some() {
                let Device { journal, closed, .. } = &mut self.devices[device];
                journal.retain(|entry| entry.dispense_id != dispense_id);
                closed.insert(dispense_id);
            }
        }
    }

    async fn heartbeat(&mut self, device: usize) {
        let request = self.devices[device].heartbeat();
        if let Some(answer) = self.send(request).await {
            let answer: HeartbeatResponse = serde_json::from_value(answer).unwrap();
            self.devices[device].seen_grants = answer.grants;
        }
    }

    async fn heartbeat_until_answered(&mut self, device: usize) {
        let request = self.devices[device].heartbeat();
        let answer: HeartbeatResponse = self.post(&request).await.read(200);
        self.devices[device].seen_grants = answer.grants;
    }

    /// A device's flash is formatted while old requests of it are still on their way.
    fn format(&mut self, device: usize) {
        let device = &mut self.devices[device];
        device.epoch += 1;
        device.seen_grants = 0;
        device.open_scan = None;
        device.journal.clear();
        device.closed.clear();
    }

    /// A stranger with a device's key sends one heartbeat with a journal of their own.
    async fn stranger(&mut self, device: usize) {
        self.strangers += 1;
        let body = json!({
            "deviceId": self.devices[device].name, "journalEpoch": format!("stranger-{}", self.strangers),
            "openDispenses": [], "seenGrants": self.random.random_range(0..3),
        });
        let answer: HeartbeatResponse = self.bar.post("/api/QrCode/heartbeat", body).await.read(200);
        assert!(!answer.confirmed, "one request of a stranger displaced a journal");
    }

    async fn time_passes(&mut self) {
        self.bar.world.clock.advance(Duration::from_secs(self.random.random_range(1..600)));
        if self.random.random_bool(0.5) {
            self.bar.codes.expire_codes().await.unwrap();
        }
    }

    /// Staff look at the attention list, and at one cup.
    async fn staff(&mut self) {
        let listed = self.bar.attention("").await;
        let codes = listed.items.into_iter().map(|listed| listed.code);
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
            // Staff end only leases of dead devices. This one is not dead.
            CodeStatus::Leased if self.devices.iter().any(|device| device.may_pour(&code.code)) => {}
            CodeStatus::Leased => {
                let decision = if has_drink { "poured" } else { "not_poured" };
                self.bar.resolve(code, decision).await.expect(200);
            }
            // A device reported late that it poured this.
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

    /// Each cup has one code that is not void and at most one drink; no code is used without its drink.
    async fn check(&mut self) {
        for order_id in &self.orders {
            let codes = self.bar.codes_of(*order_id).await;
            let mut current: BTreeMap<CupKey, u32> = BTreeMap::new();
            for code in codes {
                let cup = (*order_id, code.unit);
                self.cup_of.insert(code.code.clone(), cup);
                let before = self.statuses.insert(code.code.clone(), code.status);
                let is_legal =
                    before.is_none_or(|before| before == code.status || before.can_transition_to(code.status));
                assert!(is_legal, "{code:?} was {before:?}");
                *current.entry(cup).or_default() += u32::from(code.status != CodeStatus::Void);
                let drinks = self.drinks.get(&cup).copied().unwrap_or_default();
                assert!(drinks <= 1, "{code:?} was poured {drinks} times");
                let is_used = code.status == CodeStatus::Used;
                assert!(!is_used || drinks == 1 || self.excused.contains(&cup), "{code:?} is used and nobody has it");
                let pours_again = matches!(code.status, CodeStatus::Active | CodeStatus::Expired);
                assert!(!pours_again || drinks == 0, "{code:?} pours, and was poured");
                assert_ne!(code.status, CodeStatus::Pending, "{code:?} is paid");
            }
            assert!(current.values().all(|codes| *codes == 1), "{current:?}");
        }
    }

    /// The end of the day: devices report, staff decide what waits, and every cup that is left is poured.
    async fn close(&mut self) {
        for device in 0..self.devices.len() {
            while self.devices[device].journal.iter().any(|entry| entry.report.is_none()) {
                self.pour(device);
            }
            for request in self.devices[device].reports() {
                self.bar.post(&request.path, &request.body).await.expect(200);
                self.check().await;
            }
            self.devices[device].journal.clear();
            self.devices[device].open_scan = None;
            for _ in 0..2 {
                let heartbeat = self.devices[device].heartbeat();
                let answer: HeartbeatResponse = self.post(&heartbeat).await.read(200);
                self.devices[device].seen_grants = answer.grants;
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
        assert!(ends.contains(&code.status), "{code:?} is neither poured nor closed");
        let drinks = self.drinks.get(&cup).copied().unwrap_or_default();
        let is_accounted_for = code.status == CodeStatus::Void || drinks == 1 || self.excused.contains(&cup);
        assert!(is_accounted_for, "{code:?} was paid and poured {drinks} times");
    }
}

/// The answer. `None`: the journal is not current.
fn answer_unless_not_current(reply: Reply) -> Option<Value> {
    match reply.status.as_u16() {
        409 => {
            let _ = reply.problem(409, "journal-not-current");
            None
        }
        _ => Some(reply.expect(200)),
    }
}

impl Device {
    fn journal_epoch(&self) -> String {
        format!("{}-{}", self.name, self.epoch)
    }

    /// A scan, or a retry of the open one, unless something must be poured or reported first.
    fn scan(&mut self, code: &str) -> Option<Request> {
        if !self.journal.is_empty() {
            return None;
        }
        if self.open_scan.is_none() {
            self.attempts += 1;
            self.open_scan = Some((self.attempts.to_string(), code.to_owned()));
        }
        let (attempt, code) = self.open_scan.clone()?;
        let body = json!({
            "code": code, "deviceId": self.name, "attemptId": attempt, "journalEpoch": self.journal_epoch(),
        });
        Some(Request { from: self.name, path: "/api/QrCode/validate".into(), body })
    }

    /// Takes the answer to its open scan; any other is too late.
    fn answered(&mut self, request: &Request, answer: Value) {
        let (Some(attempt), Some(code)) = (request.body["attemptId"].as_str(), request.body["code"].as_str()) else {
            return;
        };
        let is_awaited = self.open_scan.as_ref().is_some_and(|(open, _)| open == attempt);
        let is_of_this_journal = request.body["journalEpoch"] == self.journal_epoch();
        if !is_awaited || !is_of_this_journal {
            return;
        }
        self.open_scan = None;
        let (code, answer): (_, ValidateCodeResponse) = (code.to_owned(), serde_json::from_value(answer).unwrap());
        let (Some(dispense_id), Some(duration)) = (answer.dispense_id, answer.dispense_duration) else { return };
        assert!(!self.closed.contains(&dispense_id), "a closed grant was repeated");
        self.journal.push(Entry { dispense_id, code, duration_ms: duration.millis, report: None });
    }

    /// Whether it may still pour this code.
    fn may_pour(&self, code: &str) -> bool {
        let is_open = self.journal.iter().any(|entry| entry.code == code);
        is_open || self.open_scan.as_ref().is_some_and(|(_, asked)| asked == code)
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
            "seenGrants": self.seen_grants, "openAttemptId": self.open_scan.as_ref().map(|(attempt, _)| attempt),
        });
        Request { from: self.name, path: "/api/QrCode/heartbeat".into(), body }
    }
}
