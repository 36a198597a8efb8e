//! Connections, from the first byte to the last. Most run over a pipe in paused time.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    http::header,
    response::Html,
    routing::{get, post},
};
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    time::{Instant, sleep},
};

use super::*;
use crate::{Json, server::connection::HEAD_SECONDS_MAX};

const PEER: Peer =
    Peer { address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 168, 1, 77)), 50_000), is_encrypted: false };
const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn port() -> Port {
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/json", post(async |Json(body): Json<serde_json::Value>| Json(body)))
        .route("/peer", get(async |peer: Option<Peer>| format!("{peer:?}")))
        .route("/page", get(async || ([(header::REFERRER_POLICY, "same-origin")], Html("<p>here"))))
        .route("/unread", post(async || "not read"));
    let hosts = AllowedHosts::new([127, 0, 0, 1].into(), &[]).unwrap();
    let lingering = Arc::new(Semaphore::new(1));
    Port { tls: None, router, hosts: Arc::new(hosts), limits: ConnectionLimits::default(), lingering }
}

/// A client that is connected, and the server's side, which runs until the connection ends.
fn connect() -> (DuplexStream, GracefulShutdown) {
    let (client, server) = tokio::io::duplex(8 * 1024 * 1024);
    let connections = GracefulShutdown::new();
    tokio::spawn(port().connection(server, PEER, connections.watcher()));
    (client, connections)
}

async fn send(client: &mut DuplexStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

/// The next bytes of the server: one response, as each is written at once.
async fn response(client: &mut DuplexStream) -> String {
    let mut bytes = [0; 4096];
    let length = client.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// How many seconds it takes until the server closes the connection.
async fn seconds_until_closed(client: &mut DuplexStream) -> u64 {
    let started = Instant::now();
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    started.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_sends_nothing_is_closed_after_five_seconds() {
    let (mut client, _connections) = connect();
    assert_eq!(seconds_until_closed(&mut client).await, HEAD_SECONDS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_is_cut_off_after_five_seconds() {
    let (mut client, _connections) = connect();
    let started = Instant::now();
    for byte in GET.bytes().cycle() {
        if client.write_all(&[byte.to_ascii_lowercase()]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(400)).await;
        if started.elapsed().as_secs() > 60 {
            break;
        }
    }
    assert!((5..7).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_till_that_was_served_may_be_idle_for_a_minute() {
    let (mut client, _connections) = connect();
    for _ in 0..3 {
        send(&mut client, GET).await;
        let response = response(&mut client).await;
        assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("here"), "{response}");
        assert!(!response.contains("connection: close"), "{response}");
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(seconds_until_closed(&mut client).await, IDLE_SECONDS_MAX - 60);
}

#[tokio::test(start_paused = true)]
async fn the_second_head_of_a_connection_may_not_trickle_in_either() {
    let (mut client, _connections) = connect();
    send(&mut client, GET).await;
    response(&mut client).await;
    sleep(Duration::from_secs(30)).await;
    send(&mut client, "GET /").await;
    assert_eq!(seconds_until_closed(&mut client).await, HEAD_SECONDS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_a_408_that_closes_the_connection() {
    let (mut client, _connections) = connect();
    let head = "POST /json HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    send(&mut client, head).await;
    let started = Instant::now();
    let response = response(&mut client).await;
    assert!(response.starts_with("HTTP/1.1 408") && response.contains("connection: close"), "{response}");
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_may_send_its_body_to_the_end_but_not_forever() {
    let (mut client, _connections) = connect();
    send(&mut client, "POST /unread HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n").await;
    assert!(response(&mut client).await.starts_with("HTTP/1.1 200"));
    send(&mut client, &" ".repeat(8_000_000)).await;
    sleep(Duration::from_secs(6)).await;
    assert!(client.write_all(b" ").await.is_err(), "the server waits no longer");
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_that_grows_too_long_is_a_413_that_closes_the_connection() {
    let (mut client, _connections) = connect();
    let head = "POST /json HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    send(&mut client, head).await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..40 {
        send(&mut client, &chunk).await;
    }
    let response = response(&mut client).await;
    assert!(response.starts_with("HTTP/1.1 413") && response.contains("connection: close"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn a_response_to_a_body_that_nobody_read_closes_the_connection() {
    let (mut client, _connections) = connect();
    send(&mut client, "POST /unread HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}").await;
    let response = response(&mut client).await;
    assert!(response.starts_with("HTTP/1.1 200") && response.contains("connection: close"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_read_leaves_the_connection_open() {
    let (mut client, _connections) = connect();
    for _ in 0..2 {
        let request =
            "POST /json HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        send(&mut client, request).await;
        let response = response(&mut client).await;
        assert!(response.starts_with("HTTP/1.1 200") && !response.contains("connection: close"), "{response}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_host_and_a_foreign_origin_are_refused() {
    let (mut client, _connections) = connect();
    send(&mut client, "GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n").await;
    let unknown = response(&mut client).await;
    assert!(unknown.starts_with("HTTP/1.1 421") && unknown.contains("/problems/unknown-host"), "{unknown}");
    send(&mut client, "GET / HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\n\r\n").await;
    let foreign = response(&mut client).await;
    assert!(foreign.starts_with("HTTP/1.1 403") && foreign.contains("/problems/foreign-origin"), "{foreign}");
}

#[tokio::test(start_paused = true)]
async fn every_response_has_the_security_headers_once() {
    let (mut client, _connections) = connect();
    let of_every_response = [
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-frame-options: DENY",
        "cross-origin-resource-policy: same-origin",
    ];
    for (path, host) in [("/", "localhost"), ("/nothing", "localhost"), ("/", "evil.example"), ("/page", "localhost")] {
        send(&mut client, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        let response = response(&mut client).await;
        for header in of_every_response {
            let expected =
                if path == "/page" { header.replace("no-referrer", "same-origin") } else { header.to_owned() };
            assert!(response.contains(&expected), "{path}: {expected}, in {response}");
            let name = header.split(':').next().unwrap();
            assert_eq!(response.matches(name).count(), 1, "{path}: {name}, in {response}");
        }
        let is_page = path == "/page";
        assert_eq!(response.contains("cross-origin-opener-policy: same-origin"), is_page, "{path}: {response}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_learns_who_is_at_the_other_end() {
    let (mut client, _connections) = connect();
    send(&mut client, "GET /peer HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 127.0.0.1\r\n\r\n").await;
    let response = response(&mut client).await;
    assert!(response.ends_with("Some(Peer { address: 192.168.1.77:50000, is_encrypted: false })"), "{response}");
}

#[tokio::test]
async fn a_connection_too_many_is_refused_at_once_with_503() {
    let mut server = Server::new(AllowedHosts::new([127, 0, 0, 1].into(), &[]).unwrap());
    server.limits = ConnectionLimits::new(8, 8, 2);
    let address = server.listen(([127, 0, 0, 1], 0).into(), port().router).await.unwrap();
    let running = tokio::spawn(server.run(std::future::pending(), async {}));
    let first = TcpStream::connect(address).await.unwrap();
    let _second = TcpStream::connect(address).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..2 * LINGERING_REFUSALS_MAX {
        silent.push(TcpStream::connect(address).await.unwrap());
    }

    let read_refusal = async {
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(GET.as_bytes()).await.unwrap();
        let mut refusal = String::new();
        third.read_to_string(&mut refusal).await.unwrap();
        refusal
    };
    let refusal = tokio::time::timeout(Duration::from_millis(900), read_refusal).await.unwrap();
    assert!(refusal.starts_with("HTTP/1.1 503") && refusal.contains("connection: close"), "{refusal}");
    let (_, body) = refusal.split_once("\r\n\r\n").unwrap();
    let problem: contracts::problem::Problem = serde_json::from_str(body).unwrap();
    assert_eq!((problem.status, problem.kind.as_str()), (503, "/problems/overloaded"));

    drop(first);
    let mut reply = String::new();
    while !reply.starts_with("HTTP/1.1 200") {
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        reply.clear();
        next.read_to_string(&mut reply).await.unwrap();
    }
    running.abort();
}
