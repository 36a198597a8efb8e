//! Runs the timers of services.

use std::panic::AssertUnwindSafe;

use errors::BoxError;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{Timer, shutdown::sleep};

/// Runs a timer until the shutdown. Its first run is one pause after the start. A run is never cut off.
pub(crate) async fn run(service: &'static str, timer: Timer, shutdown: CancellationToken) {
    let mut last_error: Option<String> = None;
    while sleep(&shutdown, timer.every).await {
        let error = run_once(&timer).await.err().map(|error| errors::chain(&*error).to_string());
        match &error {
            None if last_error.is_some() => tracing::info!(service, timer = timer.name, "timer works again"),
            Some(error) if last_error.as_ref() != Some(error) => {
                tracing::error!(service, timer = timer.name, error, "timer failed");
            }
            _ => {}
        }
        last_error = error;
    }
}

/// A panic is an error of this run: the next run comes all the same.
async fn run_once(timer: &Timer) -> Result<(), BoxError> {
    let run = AssertUnwindSafe(async { (timer.run)().await });
    run.catch_unwind().await.unwrap_or_else(|_panic| Err("the timer panicked".into()))
}
