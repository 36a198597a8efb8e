//! Runs the timers of services.

use std::panic::AssertUnwindSafe;

use errors::BoxError;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{Timer, repeated_error::RepeatedError, shutdown::sleep};

/// Runs a timer until the shutdown. Its first run is one pause after the start. A run is never cut off.
pub(crate) async fn run(service: &'static str, timer: Timer, shutdown: CancellationToken) {
    let mut failure = RepeatedError::default();
    while sleep(&shutdown, timer.every).await {
        match run_once(&timer).await {
            Ok(()) => {
                if failure.resolved() {
                    tracing::info!(service, timer = timer.name, "timer works again");
                }
            }
            Err(error) => {
                if let Some(error) = failure.changed(&*error) {
                    tracing::error!(service, timer = timer.name, error, "timer failed");
                }
            }
        }
    }
}

/// A panic is an error of this run: the next run comes all the same.
async fn run_once(timer: &Timer) -> Result<(), BoxError> {
    let run = AssertUnwindSafe(async { (timer.run)().await });
    run.catch_unwind().await.unwrap_or_else(|_panic| Err("the timer panicked".into()))
}
