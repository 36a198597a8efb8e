//! The metrics of the extraction.

use std::time::Duration;

const DURATION: &str = "extraction_duration_seconds";
const LAG: &str = "extraction_lag_seconds";
const ORDERS: &str = "orders_extracted_total";

/// Describes the metrics to the recorder of the process.
pub(crate) fn describe() {
    metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "Duration of finished runs of the extraction.");
    metrics::describe_gauge!(
        LAG,
        metrics::Unit::Seconds,
        "Time since the last finished run began. If it exceeds an hour, the log holds the error."
    );
    metrics::describe_counter!(ORDERS, "New or changed orders that came into the reports.");
}

pub(super) fn record_run(duration: Duration, orders: usize) {
    metrics::histogram!(DURATION).record(duration);
    metrics::counter!(ORDERS).increment(orders as u64);
}

pub(super) fn record_lag(lag: Duration) {
    metrics::gauge!(LAG).set(lag.as_secs_f64());
}
