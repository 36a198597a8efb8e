//! HTTPS: handshakes over a pipe in paused time, and one over a socket.

use std::sync::Arc;

use axum::routing::get;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, sleep},
};
use tokio_rustls::{TlsConnector, client};

use super::*;

const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 77)), 50_000);

/// A certificate for `localhost`, and the server that shows it.
fn server_config() -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    (certificate.der().clone(), Arc::new(config))
}

fn connector(root: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

fn router() -> Router {
    Router::new().route("/", get(async |peer: Option<Peer>| format!("{peer:?}")))
}

/// The server's side of a connection. It stops when this is dropped.
struct Serving {
    stop: CancellationToken,
    _connections: GracefulShutdown,
}

/// A client that is connected but has not begun the handshake, and the certificate.
fn connect() -> (DuplexStream, CertificateDer<'static>, Serving) {
    let (client, server) = tokio::io::duplex(1024 * 1024);
    let (root, config) = server_config();
    let port = Port {
        router: router(),
        tls: Some(config.into()),
        hosts: Arc::new(AllowedHosts::new([127, 0, 0, 1].into(), &[]).unwrap()),
        limits: ConnectionLimits::default(),
        lingering: Arc::new(Semaphore::new(1)),
    };
    let (connections, stop) = (GracefulShutdown::new(), CancellationToken::new());
    let tls = port.tls.clone().unwrap();
    tokio::spawn(port.encrypted_connection(tls, server, CLIENT, connections.watcher(), stop.clone()));
    (client, root, Serving { stop, _connections: connections })
}

async fn shake_hands<S>(
    stream: S,
    root: CertificateDer<'static>,
    name: &'static str,
) -> io::Result<client::TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connector(root).connect(ServerName::try_from(name).unwrap(), stream).await
}

/// How long it takes until the server closes the connection.
async fn seconds_until_closed(client: &mut DuplexStream) -> u64 {
    let started = Instant::now();
    let _ = client.read_to_end(&mut Vec::new()).await;
    started.elapsed().as_secs()
}

#[tokio::test]
async fn a_request_over_https_is_answered_and_known_to_be_encrypted() {
    let (client, root, _serving) = connect();
    let mut client = shake_hands(client, root, "localhost").await.unwrap();
    for _ in 0..2 {
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut bytes = [0; 4096];
        let length = client.read(&mut bytes).await.unwrap();
        let response = String::from_utf8_lossy(&bytes[..length]).into_owned();
        assert!(response.starts_with("HTTP/1.1 200") && response.contains("is_encrypted: true"), "{response}");
    }
}

#[tokio::test]
async fn a_client_that_expects_another_name_refuses_the_server() {
    let (client, root, _serving) = connect();
    assert!(shake_hands(client, root, "kopi.example").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_is_closed_after_five_seconds() {
    let (mut client, _, _serving) = connect();
    assert_eq!(seconds_until_closed(&mut client).await, HANDSHAKE_SECONDS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_trickles_in_is_cut_off_after_five_seconds() {
    let (mut client, _, _serving) = connect();
    let started = Instant::now();
    // The head of a record of 512 bytes, then one byte at a time.
    client.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await.unwrap();
    while client.write_all(&[7]).await.is_ok() && started.elapsed().as_secs() < 60 {
        sleep(Duration::from_millis(400)).await;
    }
    assert!((5..7).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_in_progress_does_not_delay_the_stop() {
    let (mut client, _, serving) = connect();
    serving.stop.cancel();
    assert_eq!(seconds_until_closed(&mut client).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_no_request_after_the_handshake_is_closed_too() {
    let (client, root, _serving) = connect();
    let mut client = shake_hands(client, root, "localhost").await.unwrap();
    let started = Instant::now();
    let _ = client.read_to_end(&mut Vec::new()).await;
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn plain_text_on_the_encrypted_port_ends_the_connection() {
    let (mut client, _, _serving) = connect();
    client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut reply = Vec::new();
    let _ = client.read_to_end(&mut reply).await;
    assert!(!String::from_utf8_lossy(&reply).contains("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_in_the_handshake_count_under_the_same_limits() {
    let mut server = Server::new(AllowedHosts::new([127, 0, 0, 1].into(), &[]).unwrap());
    server.limits = ConnectionLimits::new(8, 8, 2);
    let (root, config) = server_config();
    let encrypted = server.listen_tls(([127, 0, 0, 1], 0).into(), router(), config).await.unwrap();
    let plain = server.listen(([127, 0, 0, 1], 0).into(), router()).await.unwrap();
    let running = tokio::spawn(server.run(std::future::pending(), async {}));
    let first = TcpStream::connect(encrypted).await.unwrap();
    let _second = TcpStream::connect(encrypted).await.unwrap();

    // The third is closed without a word on the encrypted port, and refused on the plain one.
    let third = TcpStream::connect(encrypted).await.unwrap();
    assert!(shake_hands(third, root.clone(), "localhost").await.is_err());
    let mut refusal = String::new();
    TcpStream::connect(plain).await.unwrap().read_to_string(&mut refusal).await.unwrap();
    assert!(refusal.starts_with("HTTP/1.1 503") && refusal.contains("nosniff"), "{refusal}");

    drop(first);
    while shake_hands(TcpStream::connect(encrypted).await.unwrap(), root.clone(), "localhost").await.is_err() {}
    running.abort();
}
