//! When to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for Ctrl-C (SIGINT), or for SIGTERM, which a service manager sends.
///
/// If the handler of one signal cannot be installed, the other still works.
pub async fn stop_signal() {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    tokio::select! {
        () = received(interrupt) => tracing::info!(signal = "SIGINT", "stop requested"),
        () = received(terminate) => tracing::info!(signal = "SIGTERM", "stop requested"),
    }
}

async fn received(signal: std::io::Result<Signal>) {
    match signal {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "signal handler not installed");
            std::future::pending::<()>().await;
        }
    }
}
