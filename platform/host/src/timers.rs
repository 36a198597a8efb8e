//! What services do by themselves.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{Timer, shutdown::sleep};

/// Runs a timer until the stop. Its first run is one pause after the start; its last is not cut off.
pub(crate) async fn run(service: &'static str, timer: Timer, shutdown: CancellationToken) {
    let mut failing: Option<String> = None;
    while sleep(&shutdown, timer.every).await {
        let run = AssertUnwindSafe(async { (timer.run)().await }).catch_unwind();
        failing = match run
            .await
            .unwrap_or_else(|_| Err("it panicked".into()))
            .map_err(|error| errors::chain(&*error).to_string())
        {
            Ok(()) => {
                if failing.is_some() {
                    tracing::info!(service, timer = timer.name, "timer works again");
                }
                None
            }
            Err(error) => {
                if failing.as_ref() != Some(&error) {
                    tracing::error!(service, timer = timer.name, error, "timer failed");
                }
                Some(error)
            }
        };
    }
}
