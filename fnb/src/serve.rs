//! Listening: the gateway's port, and the services' own.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{Router, serve::ListenerExt};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// How long requests in flight may take to finish after the stop.
const FINISH_SECONDS_MAX: u64 = 5;

/// The specification's ports.
pub(crate) const SERVICE_PORTS: [(&str, u16); 6] =
    [("order", 5001), ("payment", 5002), ("product", 5003), ("inventory", 5004), ("qr", 5005), ("analytics", 8000)];

/// A port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {what}: {cause}. {way_on}")]
pub(crate) struct ListenError {
    address: SocketAddr,
    what: &'static str,
    cause: io::Error,
    way_on: &'static str,
}

/// What listens.
pub(crate) struct Servers {
    listeners: Vec<(TcpListener, Router)>,
    stop: watch::Sender<bool>,
}

impl Servers {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { listeners: Vec::new(), stop: watch::Sender::new(false) }
    }

    /// Listens on a port for `router` and answers the address. Requests wait there until [`Servers::run`].
    pub(crate) async fn listen(
        &mut self,
        what: &'static str,
        address: (IpAddr, u16),
        router: Router,
        way_on: &'static str,
    ) -> Result<SocketAddr, ListenError> {
        let address = SocketAddr::from(address);
        let refused = |cause| ListenError { address, what, cause, way_on };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        self.listeners.push((listener, router));
        Ok(bound)
    }

    /// Answers requests until `stopped`, then lets those in flight finish, within a bound. `ending` is run when no new
    /// ones come any more: it ends what would never finish by itself.
    pub(crate) async fn run(self, stopped: impl Future<Output = ()>, ending: impl Future<Output = ()>) {
        let mut serving = JoinSet::new();
        for (listener, router) in self.listeners {
            let mut stop = self.stop.subscribe();
            let listener = listener.tap_io(|stream| {
                // Answers are small and whole: waiting for more to send only makes a till slower.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection is slower than it could be");
                }
            });
            let stopping = async move {
                let _ = stop.wait_for(|stopped| *stopped).await;
            };
            serving.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopping).await });
        }
        stopped.await;
        self.stop.send_replace(true);
        ending.await;
        let finished = async { while serving.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(FINISH_SECONDS_MAX), finished).await.is_err() {
            tracing::warn!("some requests did not finish within {FINISH_SECONDS_MAX} s and were cut off");
        }
    }
}
