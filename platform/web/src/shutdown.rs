//! When to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits until somebody asks this process to stop: Ctrl-C, or SIGTERM as a service manager sends it.
///
/// A process that cannot listen for one of the two still hears the other.
pub async fn stop_signal() {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    tokio::select! {
        () = heard(interrupt) => tracing::info!(signal = "SIGINT", "asked to stop"),
        () = heard(terminate) => tracing::info!(signal = "SIGTERM", "asked to stop"),
    }
}

async fn heard(signal: std::io::Result<Signal>) {
    match signal {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "cannot listen for a signal");
            std::future::pending::<()>().await;
        }
    }
}
