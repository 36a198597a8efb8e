//! Prints the results beside the targets.

use crate::{
    baseline::Baseline,
    plan::Plan,
    results::{PastOrdersResult, Results, Round},
    times::Times,
};

/// Kibibytes in a mebibyte.
const KIB_PER_MIB: f64 = 1024.0;

/// Prints the tables.
pub(crate) fn print(plan: &Plan, results: &Results) {
    println!();
    println!("Placing and paying orders of three lines, {} s each{}", plan.measured.as_secs(), slower_disk(plan));
    println!();
    println!(
        "clients  orders/s    place ms p50/p99    pay ms p50/p99     both ms p50/p99    events ms p50/p99   drained   cpu/order"
    );
    for round in &results.rounds {
        print_round(round);
    }
    println!();
    let Baseline { per_second, after_pause } = &results.baseline;
    println!("baseline (bare SQLite): {per_second:.0} commits/s, one order's rows at a time");
    println!(
        "a commit after a pause: {:.2}/{:.2} ms p50/p99",
        after_pause.percentile_ms(50),
        after_pause.percentile_ms(99)
    );
    println!("ready on an existing shop: {:.0} ms (median of {})", results.starts.percentile_ms(50), plan.starts);
    if let Some(round) = results.rounds.last() {
        let memory = round.memory;
        let mib = |kib: u64| kib as f64 / KIB_PER_MIB;
        println!("resident after the run: {:.1} MiB (peak {:.1})", mib(memory.resident_kib), mib(memory.peak_kib));
    }
    if let Some(past) = &results.past {
        print_past(past);
    }
    println!();
    println!("targets");
    for (is_reached, target) in targets(plan, results) {
        println!("  {}  {target}", if is_reached { "reached" } else { "MISSED " });
    }
}

fn slower_disk(plan: &Plan) -> String {
    if plan.flush_ms == 0 { String::new() } else { format!(", on a disk that takes {} ms longer", plan.flush_ms) }
}

fn print_round(round: &Round) {
    let load = &round.load;
    let pair = |times: &Times| format!("{:.2}/{:.2}", times.percentile_ms(50), times.percentile_ms(99));
    println!(
        "{:>7}  {:>8.0}  {:>18}  {:>16}  {:>18}  {:>19}  {:>5} ms  {:>6.0} us",
        load.clients,
        round.per_second(),
        pair(&load.place),
        pair(&load.pay),
        pair(&load.both),
        pair(&round.delivery),
        round.drained_in.as_millis(),
        round.cpu_micros_per_order,
    );
    if load.receipts_without_codes > 0 {
        println!(
            "         {} of {} receipts were returned before their codes",
            load.receipts_without_codes, load.orders
        );
    }
}

fn print_past(past: &PastOrdersResult) {
    println!(
        "64 clients with {} past orders: {:.0} orders/s, without: {:.0} ({:+.1} %)",
        past.past_orders,
        past.many_per_second,
        past.few_per_second,
        past_percent(past),
    );
}

fn past_percent(past: &PastOrdersResult) -> f64 {
    (past.many_per_second / past.few_per_second - 1.0) * 100.0
}

/// The project's targets, and whether this run reached them.
fn targets(plan: &Plan, results: &Results) -> Vec<(bool, String)> {
    let at = |clients: usize| results.rounds.iter().find(|round| round.load.clients == clients);
    let mut targets = Vec::new();
    if let Some(round) = at(64) {
        let ratio = round.per_second() / results.baseline.per_second;
        let least = if plan.flush_ms == 0 { 0.25 } else { 4.0 };
        targets.push((ratio >= least, format!("64 clients: {ratio:.2} of the baseline (at least {least})")));
        let median = round.delivery.percentile_ms(50);
        targets.push((median <= 50.0, format!("events at 64 clients: {median:.1} ms at the median (at most 50)")));
    }
    if let Some(round) = at(1).filter(|_| plan.flush_ms == 0) {
        let rate = round.per_second();
        targets.push((rate >= 300.0, format!("1 client: {rate:.0} orders/s (at least 300)")));
    }
    if let Some(round) = at(16).filter(|_| plan.flush_ms == 0) {
        let (place, pay) = (round.load.place.percentile_ms(99), round.load.pay.percentile_ms(99));
        let is_reached = place < 20.0 && pay < 20.0;
        targets
            .push((is_reached, format!("16 clients: p99 {place:.1} ms to place, {pay:.1} ms to pay (under 20 each)")));
    }
    if let Some(round) = results.rounds.last() {
        let mib = round.memory.resident_kib as f64 / KIB_PER_MIB;
        targets.push((mib < 64.0, format!("resident: {mib:.1} MiB (under 64)")));
    }
    let start = results.starts.percentile_ms(50);
    targets.push((start < 150.0, format!("ready: {start:.0} ms (under 150)")));
    if let Some(past) = &results.past {
        let percent = past_percent(past);
        targets
            .push((percent >= -10.0, format!("with {} past orders: {percent:+.1} % (at least -10)", past.past_orders)));
    }
    targets
}
