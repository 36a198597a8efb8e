//! `bench orders`: what a shop does all day, as fast as it can.

use std::{fs, path::Path, process, time::Duration};

use crate::{
    bare::{self, Bare},
    failure::Failure,
    load::{self, Measured, Times},
    outboxes::Outboxes,
    past,
    plan::Plan,
    report,
    server::{Memory, Server},
};

/// At so many clients the past is compared, and the disk is what limits.
const MANY_CLIENTS: usize = 64;
/// Each side of a comparison is measured so often, in turns, so that a slow moment of the machine hits both.
const TURNS: usize = 2;

/// One number of clients, and what the program did meanwhile.
pub(crate) struct Round {
    pub(crate) load: Measured,
    /// From the last answer until every event was acted on.
    pub(crate) drained_in: Duration,
    /// From an event's writing until every consumer had acted.
    pub(crate) delivery: Times,
    pub(crate) memory: Memory,
    /// The program's own computing for one order, in microseconds.
    pub(crate) cpu_micros_per_order: f64,
}

impl Round {
    /// Orders a second, counted until the last event of the last order was acted on: what is put off is not saved.
    pub(crate) fn per_second(&self) -> f64 {
        self.load.orders as f64 / (self.load.answered_in + self.drained_in).as_secs_f64()
    }
}

/// Everything that was measured.
pub(crate) struct Results {
    pub(crate) bare: Bare,
    pub(crate) rounds: Vec<Round>,
    pub(crate) starts: Times,
    pub(crate) past: Option<PastResults>,
}

/// Orders a second with few past orders in the files, and with many.
pub(crate) struct PastResults {
    pub(crate) past_orders: u64,
    pub(crate) few_per_second: f64,
    pub(crate) many_per_second: f64,
}

/// Measures in a folder of its own, prints, and clears that away.
pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    fs::create_dir_all(&plan.folder)?;
    // A new one, so that what is cleared away holds nothing of anybody else's.
    let own = plan.folder.join(format!("fnb-bench-{}", process::id()));
    fs::create_dir(&own)?;
    let outcome = measure(plan, &own).map(|results| report::print(plan, &results));
    if plan.is_kept || outcome.is_err() {
        eprintln!("the files are in {}", own.display());
    } else {
        fs::remove_dir_all(&own)?;
    }
    outcome
}

fn measure(plan: &Plan, folder: &Path) -> Result<Results, Failure> {
    eprintln!("the bare loop, {} s", plan.bare_for.as_secs());
    let bare = bare::measure(&folder.join("bare"), plan.bare_for, plan.flush_ms)?;
    let shop = folder.join("shop");
    let rounds = rounds(plan, &shop)?;
    let starts = starts(plan, &shop)?;
    let past = if plan.past_orders > 0 { Some(compare_past(plan, &shop, &folder.join("aged"))?) } else { None };
    Ok(Results { bare, rounds, starts, past })
}

fn rounds(plan: &Plan, shop: &Path) -> Result<Vec<Round>, Failure> {
    let server = Server::start(plan, shop)?;
    load::prepare(server.address)?;
    plan.clients.iter().map(|clients| round(plan, &server, *clients)).collect()
}

fn round(plan: &Plan, server: &Server, clients: usize) -> Result<Round, Failure> {
    eprintln!("{clients} clients, {} s and {} s before", plan.measured.as_secs(), plan.warm_up.as_secs());
    let outboxes = Outboxes::open(&server.data)?;
    let computed_before = server.cpu_seconds();
    let load = load::run(server.address, clients, plan.warm_up, plan.measured)?;
    let drained_in = outboxes.wait_until_empty(load.ended)?;
    let computed = server.cpu_seconds() - computed_before;
    let delivery = outboxes.delivery_times(load.counted)?;
    let cpu_micros_per_order = computed * 1e6 / load.all_orders.max(1) as f64;
    Ok(Round { drained_in, delivery, memory: server.memory()?, cpu_micros_per_order, load })
}

/// How long the program takes until it answers, on a shop that has traded.
fn starts(plan: &Plan, shop: &Path) -> Result<Times, Failure> {
    eprintln!("{} starts", plan.starts);
    let mut micros = Vec::new();
    for _ in 0..plan.starts {
        let server = Server::start(plan, shop)?;
        micros.push(load::micros(server.started_in));
    }
    Ok(Times::of(micros))
}

fn compare_past(plan: &Plan, shop: &Path, aged: &Path) -> Result<PastResults, Failure> {
    past::copy_files(shop, aged)?;
    eprintln!("{} past orders are written into {}", plan.past_orders, aged.display());
    past::fill(aged, plan.past_orders)?;
    let (mut few, mut many) = (0.0, 0.0);
    for _ in 0..TURNS {
        few += per_second(plan, shop)?;
        many += per_second(plan, aged)?;
    }
    let turns = TURNS as f64;
    Ok(PastResults { past_orders: plan.past_orders, few_per_second: few / turns, many_per_second: many / turns })
}

fn per_second(plan: &Plan, shop: &Path) -> Result<f64, Failure> {
    let server = Server::start(plan, shop)?;
    Ok(round(plan, &server, MANY_CLIENTS)?.per_second())
}
