use std::{
    io,
    sync::{Arc, Mutex},
};

use ::trace::TraceContext;
use ::tracing::{Level, subscriber};

use super::*;
use crate::ServiceRegistry;

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A service that answers the context in which its handler runs.
fn traced() -> Router {
    let context = async || {
        tokio::task::yield_now().await;
        axum::Json(TraceContext::current().map(|context| context.to_string()))
    };
    let routes = Router::new().route("/api/Trace", get(context));
    finish("traced", "", "", pages(routes), &nobody(), ready(async || Ok(()))).0
}

async fn with_header(name: &str, value: &str) -> Reply {
    send(&traced(), Request::get("/api/Trace").header(name, value).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_request_goes_on_with_its_callers_trace() {
    let reply = with_header("traceparent", TRACEPARENT).await;
    let context: TraceContext = serde_json::from_str::<String>(&reply.body).unwrap().parse().unwrap();
    assert_eq!(context.trace_id_hex().to_string(), TRACE_ID);
    assert_ne!(context.to_string(), TRACEPARENT, "a span of its own");
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one() {
    for reply in [call(&traced(), "GET", "/api/Trace").await, with_header("traceparent", "nonsense").await] {
        let context = serde_json::from_str::<String>(&reply.body).unwrap().parse::<TraceContext>();
        assert!(context.is_ok(), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_call_to_another_service_is_of_the_same_trace() {
    let services = ServiceRegistry::new();
    services.connect("traced", traced());
    let client = services.client("traced");
    let caller: TraceContext = TRACEPARENT.parse().unwrap();
    let called = ::trace::scope(caller, client.get::<String>("/api/Trace")).await.unwrap();
    assert_eq!(called.parse::<TraceContext>().unwrap().trace_id, caller.trace_id);
}

#[tokio::test]
async fn the_clients_request_id_comes_back() {
    for id in ["7f1c", "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", &"x".repeat(128)] {
        assert_eq!(with_header("x-request-id", id).await.headers["x-request-id"], id);
    }
}

#[tokio::test]
async fn a_request_without_a_usable_id_gets_the_id_of_its_trace() {
    for wrong in ["", "two words", "\"quoted\"", &"x".repeat(129)] {
        let id = with_header("x-request-id", wrong).await.headers["x-request-id"].to_str().unwrap().to_owned();
        assert!(id.len() == 32 && id != wrong, "{id}");
    }
    assert_eq!(with_header("traceparent", TRACEPARENT).await.headers["x-request-id"], TRACE_ID);
}

/// What the log got.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_the_route_and_never_the_path_which_may_hold_a_code() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || writer.clone()).finish();
    let _logging = subscriber::set_default(lines);
    let refused = async || Problem::unavailable("The pump is off.".to_owned());
    let failed = async || Problem::internal("the pump broke");
    let routes = Router::new()
        .route("/api/Code/{code}", get(async || "poured"))
        .route("/api/Code/{code}/refused", get(refused))
        .route("/api/Code/{code}/failed", get(failed));
    let router = finish("logged", "", "", pages(routes), &nobody(), ready(async || Ok(()))).0;
    for path in ["/api/Code/QR-1379", "/api/Code/QR-1379/refused", "/api/Code/QR-1379/failed", "/QR-1379"] {
        call(&router, "GET", path).await;
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in ["request completed", "request refused", "request failed", "/api/Code/{code}/failed", "\"none\""] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    assert!(!log.contains("QR-1379"), "{log}");
}
