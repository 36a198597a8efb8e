//! `bench orders`: places and pays orders as fast as the program can.

use std::{fs, path::Path, process};

use crate::{
    baseline,
    failure::Failure,
    load,
    outboxes::Outboxes,
    past_orders,
    plan::Plan,
    report,
    results::{PastOrdersResult, Results, Round},
    server::Server,
    times::{self, Times},
};

/// The number of clients for the comparison with past orders: here the disk is the limit.
const MANY_CLIENTS: usize = 64;
/// Each side of a comparison is measured this many times, alternating, so that a slow moment affects both.
const ROUNDS: usize = 2;

/// Measures in a folder of its own, prints the results and removes the folder.
pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    fs::create_dir_all(&plan.folder)?;
    // A new folder, so that removing it deletes nothing else.
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
    eprintln!("the baseline, {} s", plan.baseline_for.as_secs());
    let baseline = baseline::measure(&folder.join("baseline"), plan.baseline_for, plan.flush_ms)?;
    let shop = folder.join("shop");
    let rounds = measure_rounds(plan, &shop)?;
    let starts = measure_starts(plan, &shop)?;
    let past = if plan.past_orders > 0 { Some(compare_past_orders(plan, &shop, &folder.join("aged"))?) } else { None };
    Ok(Results { baseline, rounds, starts, past })
}

fn measure_rounds(plan: &Plan, shop: &Path) -> Result<Vec<Round>, Failure> {
    let server = Server::start(plan, shop)?;
    load::prepare(server.address)?;
    plan.clients.iter().map(|clients| measure_round(plan, &server, *clients)).collect()
}

fn measure_round(plan: &Plan, server: &Server, clients: usize) -> Result<Round, Failure> {
    eprintln!("{clients} clients, {} s after a warm-up of {} s", plan.measured.as_secs(), plan.warm_up.as_secs());
    let outboxes = Outboxes::open(&server.data)?;
    let cpu_before = server.cpu_seconds();
    let load = load::run(server.address, clients, plan.warm_up, plan.measured)?;
    let drained_in = outboxes.wait_until_empty(load.ended)?;
    let cpu_seconds = server.cpu_seconds() - cpu_before;
    let delivery = outboxes.delivery_times(load.measured)?;
    let cpu_micros_per_order = cpu_seconds * 1e6 / load.all_orders.max(1) as f64;
    Ok(Round { drained_in, delivery, memory: server.memory()?, cpu_micros_per_order, load })
}

/// The time from the start of the program until it is ready, with the files of a shop that has orders.
fn measure_starts(plan: &Plan, shop: &Path) -> Result<Times, Failure> {
    eprintln!("{} starts", plan.starts);
    let mut micros = Vec::new();
    for _ in 0..plan.starts {
        let server = Server::start(plan, shop)?;
        micros.push(times::micros(server.started_in));
    }
    Ok(Times::of(micros))
}

fn compare_past_orders(plan: &Plan, shop: &Path, aged: &Path) -> Result<PastOrdersResult, Failure> {
    past_orders::copy_files(shop, aged)?;
    eprintln!("writing {} past orders into {}", plan.past_orders, aged.display());
    past_orders::fill(aged, plan.past_orders)?;
    let (mut few, mut many) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        few += per_second(plan, shop)?;
        many += per_second(plan, aged)?;
    }
    let rounds = ROUNDS as f64;
    Ok(PastOrdersResult { past_orders: plan.past_orders, few_per_second: few / rounds, many_per_second: many / rounds })
}

fn per_second(plan: &Plan, shop: &Path) -> Result<f64, Failure> {
    let server = Server::start(plan, shop)?;
    Ok(measure_round(plan, &server, MANY_CLIENTS)?.per_second())
}
