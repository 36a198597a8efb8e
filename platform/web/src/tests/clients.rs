use std::time::Duration;

use super::*;
use crate::{CallError, ServiceRegistry, client::PEER_TIMEOUT_MS};

#[tokio::test]
async fn a_peer_may_be_known_before_it_is_there() {
    let services = ServiceRegistry::new();
    let cafe_line = services.client("cafe");
    let away = cafe_line.get::<Value>("/api/Mug?size=SMALL").await.unwrap_err();
    assert!(matches!(away, CallError::Unavailable { service: "cafe", .. }));
    assert_eq!(away.to_string(), "cafe is away: it is not running");

    services.connect("cafe", cafe());
    assert_eq!(cafe_line.get::<Value>("/api/Mug?size=SMALL").await.unwrap(), "SMALL");
    let cups = Cups { lines: vec![] };
    assert_eq!(cafe_line.post::<_, usize>("/api/Cup", &cups).await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_without_a_body_is_an_answer() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    services.client("cafe").post::<_, ()>("/internal/empty", &()).await.unwrap();
}

#[tokio::test]
async fn a_peers_refusal_keeps_its_words() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let error = services.client("cafe").get::<Value>("/internal/refused").await.unwrap_err();
    let CallError::Refused(problem) = &error else { panic!("{error}") };
    assert_eq!((problem.kind.as_str(), problem.status), ("/problems/not-found", 404));
    assert_eq!(problem.context.as_ref().unwrap().get(), r#"{"cups":6}"#);

    let passed_on = Problem::from(error);
    assert_eq!((passed_on.status().as_u16(), passed_on.body().kind.as_str()), (404, "/problems/not-found"));
}

#[tokio::test]
async fn a_peer_that_broke_is_away() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let error = services.client("cafe").get::<Value>("/internal/broken").await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { .. }), "{error}");
    assert_eq!(Problem::from(error).status(), 503);
}

#[tokio::test]
async fn a_peer_that_answers_something_else_is_garbled() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let error = services.client("cafe").get::<u32>("/api/Mug?size=SMALL").await.unwrap_err();
    assert!(matches!(error, CallError::MalformedResponse { .. }), "{error}");
    assert_eq!(Problem::from(error).status(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_too_slow_is_away_after_two_seconds() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let since = tokio::time::Instant::now();
    let error = services.client("cafe").get::<Value>("/internal/stuck").await.unwrap_err();
    assert_eq!(error.to_string(), "cafe is away: no answer to /internal/stuck in 2000 ms");
    assert_eq!(since.elapsed().as_millis(), Duration::from_millis(PEER_TIMEOUT_MS).as_millis());
}
