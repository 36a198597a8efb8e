//! The results of a benchmark.

use std::time::Duration;

use crate::{baseline::Baseline, load::LoadResult, server::Memory, times::Times};

/// The results with one number of clients.
pub(crate) struct Round {
    pub(crate) load: LoadResult,
    /// From the last response until every event was consumed.
    pub(crate) drained_in: Duration,
    /// From the commit of an event until every consumer had acted on it.
    pub(crate) delivery: Times,
    pub(crate) memory: Memory,
    /// CPU time of the program for one order, in microseconds.
    pub(crate) cpu_micros_per_order: f64,
}

impl Round {
    /// Orders a second, until the last event of the last order was consumed: work that is postponed counts too.
    pub(crate) fn per_second(&self) -> f64 {
        self.load.orders as f64 / (self.load.answered_in + self.drained_in).as_secs_f64()
    }
}

/// Everything that was measured.
pub(crate) struct Results {
    pub(crate) baseline: Baseline,
    pub(crate) rounds: Vec<Round>,
    pub(crate) starts: Times,
    pub(crate) past: Option<PastOrdersResult>,
}

/// Orders a second with few past orders in the files, and with many.
pub(crate) struct PastOrdersResult {
    pub(crate) past_orders: u64,
    pub(crate) few_per_second: f64,
    pub(crate) many_per_second: f64,
}
