//! Serves routers over HTTP/1.1, plain or encrypted, and keeps clients that only hold connections from stopping the shop.
//!
//! A connection that exceeds a limit is refused at once with 503. One that is accepted has a short time to send its
//! first request, and each request names a host that is known ([`AllowedHosts`]).

mod allowed_hosts;
mod connection;
mod limits;
mod security_headers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;

use std::{
    future::Future,
    io,
    net::{Shutdown, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::Router;
use errors::BoxError;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use metrics::counter;
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

pub use self::allowed_hosts::{AllowedHosts, InvalidHost};
use self::{
    connection::{ConnectionIo, ConnectionService, ConnectionState},
    limits::ConnectionLimits,
};
use crate::Peer;

/// How long requests in progress may take to finish after the stop. Together with what stops behind the services it
/// is less than the ten seconds after which service managers kill a process.
const DRAIN_SECONDS_MAX: u64 = 3;

/// How long a TLS handshake may take, however it trickles in. On a bad Wi-Fi it takes a second.
const HANDSHAKE_SECONDS_MAX: u64 = 5;

/// How long a connection may stay idle after a request: longer than a till is idle during a rush.
const IDLE_SECONDS_MAX: u64 = 75;

/// The longest head, and how much of a body is read ahead: 512 connections hold 32 MiB of it.
const READ_AHEAD_BYTES_MAX: usize = 64 * 1024;

/// How long to wait when the system has no file descriptor for another connection.
const ACCEPT_RETRY_SECONDS: u64 = 1;

/// A dead screen is noticed after a minute without an acknowledgement, and leaves its streams.
const KEEPALIVE_AFTER_SECONDS: u64 = 30;
const KEEPALIVE_INTERVAL_SECONDS: u64 = 10;
const KEEPALIVE_PROBES: u32 = 3;
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_SECONDS_MAX: u64 = 60;

/// How many refused connections are kept open until the client has read the refusal. The others are closed at once: a
/// client that is sending its request at that moment may see a reset instead of the refusal.
const LINGERING_REFUSALS_MAX: usize = 128;
/// How long each of them.
const REFUSAL_LINGER_SECONDS_MAX: u64 = 1;
/// How much of what it sends is read meanwhile.
const REFUSAL_LINGER_BYTES_MAX: u64 = 64 * 1024;

const TOO_MANY_CONNECTIONS: &str = "{\"type\":\"/problems/overloaded\",\"title\":\"Too many connections\",\
    \"status\":503,\"detail\":\"There are too many connections already. Nothing was done; try again in a second.\"}";

/// Listens on ports, each for its router. All share the limits of connections.
pub struct Server {
    hosts: Arc<AllowedHosts>,
    limits: ConnectionLimits,
    lingering: Arc<Semaphore>,
    listeners: Vec<(TcpListener, Port)>,
}

impl Server {
    /// A server without ports.
    #[must_use]
    pub fn new(hosts: AllowedHosts) -> Self {
        Self {
            hosts: Arc::new(hosts),
            limits: ConnectionLimits::default(),
            lingering: Arc::new(Semaphore::new(LINGERING_REFUSALS_MAX)),
            listeners: Vec::new(),
        }
    }

    /// Listens on `address` for plain HTTP and returns it with the port that was taken. Requests wait until [`Server::run`].
    ///
    /// # Errors
    /// The address is taken, or is not one of this machine.
    pub async fn listen(&mut self, address: SocketAddr, router: Router) -> io::Result<SocketAddr> {
        self.listen_with(address, router, None).await
    }

    /// As [`Server::listen`], for HTTPS. `tls` resolves the certificate at each handshake, so it may be renewed.
    ///
    /// # Errors
    /// The address is taken, or is not one of this machine.
    pub async fn listen_tls(
        &mut self,
        address: SocketAddr,
        router: Router,
        tls: Arc<ServerConfig>,
    ) -> io::Result<SocketAddr> {
        self.listen_with(address, router, Some(tls.into())).await
    }

    async fn listen_with(
        &mut self,
        address: SocketAddr,
        router: Router,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let port = Port {
            router,
            tls,
            hosts: Arc::clone(&self.hosts),
            limits: self.limits.clone(),
            lingering: Arc::clone(&self.lingering),
        };
        self.listeners.push((listener, port));
        Ok(address)
    }

    /// The addresses that are listened on, with the ports that were taken.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|(listener, _)| listener.local_addr().ok()).collect()
    }

    /// Serves until `stopped`, then lets requests in progress finish, within a limit. `end_streams` runs when no new
    /// requests are accepted: it ends what would never finish by itself.
    pub async fn run(self, stopped: impl Future<Output = ()>, end_streams: impl Future<Output = ()>) {
        let mut ports = JoinSet::new();
        let shutdown = CancellationToken::new();
        for (listener, port) in self.listeners {
            ports.spawn(port.serve(listener, shutdown.clone()));
        }
        stopped.await;
        shutdown.cancel();
        end_streams.await;
        let drained = async { while ports.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS_MAX), drained).await.is_err() {
            tracing::warn!(drain_seconds = DRAIN_SECONDS_MAX, "requests cut off");
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.listeners.iter().map(|(listener, _)| listener)).finish()
    }
}

/// One port.
#[derive(Clone)]
struct Port {
    router: Router,
    /// `None`: plain HTTP.
    tls: Option<TlsAcceptor>,
    hosts: Arc<AllowedHosts>,
    limits: ConnectionLimits,
    lingering: Arc<Semaphore>,
}

impl Port {
    /// Accepts connections until the shutdown, then waits for those that are open.
    async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let connections = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, address)) => self.admit(stream, address, connections.watcher(), &shutdown),
                Err(error) => {
                    tracing::error!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_secs(ACCEPT_RETRY_SECONDS)).await;
                }
            }
        }
        drop(listener);
        connections.shutdown().await;
    }

    /// Serves the connection in a task of its own, or refuses it.
    fn admit(&self, stream: TcpStream, address: SocketAddr, watcher: Watcher, shutdown: &CancellationToken) {
        let permit = match self.limits.admit(address.ip()) {
            Ok(permit) => permit,
            Err(limit) => {
                limit.count();
                tracing::debug!(%address, ?limit, "connection refused");
                // Before a handshake there is no refusal that a browser could read.
                return if self.tls.is_none() {
                    refuse(stream, &self.lingering);
                };
            }
        };
        if let Err(error) = configure(&stream) {
            tracing::debug!(%error, "socket not configured");
        }
        match self.tls.clone() {
            None => {
                let connection = self.connection(stream, Peer { address, is_encrypted: false }, watcher);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Some(tls) => {
                let connection = self.clone().encrypted_connection(tls, stream, address, watcher, shutdown.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
        }
    }

    /// A connection that begins with a TLS handshake.
    async fn encrypted_connection<S>(
        self,
        tls: TlsAcceptor,
        stream: S,
        address: SocketAddr,
        watcher: Watcher,
        shutdown: CancellationToken,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = tokio::select! {
            stream = handshake(&tls, stream) => stream,
            // Nothing was asked for yet.
            () = shutdown.cancelled() => return,
        };
        match stream {
            Ok(stream) => self.connection(stream, Peer { address, is_encrypted: true }, watcher).await,
            Err(error) => {
                counter!("http_server_failed_handshakes_total").increment(1);
                tracing::debug!(%address, error = %errors::chain(&*error), "handshake failed");
            }
        }
    }

    fn connection<S>(&self, stream: S, peer: Peer, watcher: Watcher) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let state = Arc::new(ConnectionState::default());
        let io = TokioIo::new(ConnectionIo::new(stream, Arc::clone(&state)));
        let service = ConnectionService { router: self.router.clone(), hosts: Arc::clone(&self.hosts), state, peer };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(IDLE_SECONDS_MAX))
            .max_buf_size(READ_AHEAD_BYTES_MAX)
            .serve_connection(io, service);
        async move {
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(error = %errors::chain(&error), "connection ended");
            }
        }
    }
}

async fn handshake<S>(tls: &TlsAcceptor, stream: S) -> Result<TlsStream<S>, BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = tokio::time::timeout(Duration::from_secs(HANDSHAKE_SECONDS_MAX), tls.accept(stream)).await;
    Ok(accepted??)
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    // Responses are small and whole: to wait for more to send only makes a till slower.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(KEEPALIVE_AFTER_SECONDS))
        .with_interval(Duration::from_secs(KEEPALIVE_INTERVAL_SECONDS))
        .with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    // Keepalive does not help while something that was sent waits for its acknowledgement, as in a stream.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(UNACKNOWLEDGED_SECONDS_MAX)))?;
    Ok(())
}

static REFUSAL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         x-content-type-options: nosniff\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{TOO_MANY_CONNECTIONS}",
        TOO_MANY_CONNECTIONS.len()
    )
});

/// Responds with 503 before it reads anything. If there is room, keeps the connection until the client has read that.
fn refuse(stream: TcpStream, lingering: &Arc<Semaphore>) {
    let socket = SockRef::from(&stream);
    // The refusal fits into the buffer of a new socket, so this does not block.
    if socket.send(REFUSAL.as_bytes()).and_then(|_| socket.shutdown(Shutdown::Write)).is_err() {
        return;
    }
    let Ok(permit) = Arc::clone(lingering).try_acquire_owned() else { return };
    tokio::spawn(async move {
        let mut rest = stream.take(REFUSAL_LINGER_BYTES_MAX);
        let mut discarded = tokio::io::sink();
        let read = tokio::io::copy(&mut rest, &mut discarded);
        // A client that has left needs no refusal.
        let _ = tokio::time::timeout(Duration::from_secs(REFUSAL_LINGER_SECONDS_MAX), read).await;
        drop(permit);
    });
}
