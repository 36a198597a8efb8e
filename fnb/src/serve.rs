//! Listening: the gateway's port, and the services' own.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// How long requests in flight may take to finish after the stop. With [`host::ServiceHost::stop`] that is less than the ten
/// seconds after which the first managers of processes kill them.
const FINISH_SECONDS_MAX: u64 = 3;

/// More screens, tills and machines than any shop has. Each connection takes a descriptor, of which a process has 1,024
/// by default: as many are left for the databases.
const CONNECTIONS_MAX: usize = 512;
/// How long a connection may stay without a whole request: longer than a till is idle during a rush.
const IDLE_SECONDS_MAX: u64 = 75;
/// How long to wait when the system has no descriptor left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

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
}

impl Servers {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { listeners: Vec::new() }
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
        let shutdown = CancellationToken::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        for (listener, router) in self.listeners {
            serving.spawn(answer(listener, router, Arc::clone(&room), shutdown.clone()));
        }
        stopped.await;
        shutdown.cancel();
        ending.await;
        let finished = async { while serving.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(FINISH_SECONDS_MAX), finished).await.is_err() {
            tracing::warn!("some requests did not finish within {FINISH_SECONDS_MAX} s and were cut off");
        }
    }
}

/// Takes connections while there is room for them, and after the stop sees those that there are through.
async fn answer(listener: TcpListener, router: Router, room: Arc<Semaphore>, shutdown: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(IDLE_SECONDS_MAX));
    let connections = GracefulShutdown::new();
    loop {
        let (stream, place) = tokio::select! {
            taken = take(&listener, &room) => match taken {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::error!(%error, "a connection cannot be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// The next connection, and its place.
async fn take(listener: &TcpListener, room: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are small and whole: waiting for more to send only makes a till slower.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}
