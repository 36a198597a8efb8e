use std::time::Duration;

use super::*;
use crate::{CallError, ServiceRegistry, client::CALL_TIMEOUT_MS};

#[tokio::test]
async fn a_client_may_be_created_before_its_service_is_connected() {
    let services = ServiceRegistry::new();
    let client = services.client("cafe");
    let error = client.get::<Value>("/api/Mug?size=SMALL").await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { service: "cafe", .. }));
    assert_eq!(errors::chain(&error).to_string(), "the cafe service is unavailable: it is not running");

    services.connect("cafe", cafe());
    assert_eq!(client.get::<Value>("/api/Mug?size=SMALL").await.unwrap(), "SMALL");
    let cups = Cups { lines: vec![] };
    assert_eq!(client.post::<_, usize>("/api/Cup", &cups).await.unwrap(), 0);
}

#[tokio::test]
async fn a_response_without_a_body_is_a_response() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    services.client("cafe").post::<_, ()>("/internal/empty", &()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_of_another_service_is_passed_on_as_it_is() {
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
async fn a_service_that_fails_is_unavailable() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let error = services.client("cafe").get::<Value>("/internal/broken").await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { .. }), "{error}");
    assert_eq!(Problem::from(error).status(), 503);
}

#[tokio::test]
async fn a_response_of_another_shape_is_malformed() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let error = services.client("cafe").get::<u32>("/api/Mug?size=SMALL").await.unwrap_err();
    assert!(matches!(error, CallError::MalformedResponse { .. }), "{error}");
    assert_eq!(Problem::from(error).status(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_too_slow_is_unavailable_after_two_seconds() {
    let services = ServiceRegistry::new();
    services.connect("cafe", cafe());
    let started = tokio::time::Instant::now();
    let error = services.client("cafe").get::<Value>("/internal/stuck").await.unwrap_err();
    let text = errors::chain(&error).to_string();
    assert_eq!(text, "the cafe service is unavailable: no response to /internal/stuck in 2000 ms");
    assert_eq!(started.elapsed().as_millis(), Duration::from_millis(CALL_TIMEOUT_MS).as_millis());
}
