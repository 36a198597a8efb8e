use axum::body::Bytes;
use futures::stream;

use super::*;
use crate::request_limits::{REQUEST_SECONDS_MAX, RequestLimits};

fn padded(bytes: usize) -> String {
    let json = r#"{"lines":[]}"#;
    format!("{json}{}", " ".repeat(bytes - json.len()))
}

fn chunked(text: String) -> Body {
    let chunks: Vec<_> = text
        .into_bytes()
        .chunks(64 * 1024)
        .map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)))
        .collect();
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_read_and_one_byte_more_is_refused() {
    let cafe = cafe();
    assert_eq!(submit(&cafe, padded(BODY_BYTES_MAX)).await.status, 201);
    submit(&cafe, padded(BODY_BYTES_MAX + 1)).await.assert_problem(
        413,
        "body-too-large",
        "The body has more than 1048576 bytes (1 MiB). Send less, or split it.",
    );
}

#[tokio::test]
async fn the_limit_holds_for_a_body_without_a_content_length() {
    let cafe = cafe();
    assert_eq!(submit(&cafe, chunked(padded(BODY_BYTES_MAX))).await.status, 201);
    submit(&cafe, chunked(padded(BODY_BYTES_MAX + 1))).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn a_body_that_announces_too_many_bytes_is_refused_at_once() {
    let announced = Request::post("/api/Cup")
        .header("content-type", "application/json")
        .header("content-length", (BODY_BYTES_MAX + 1).to_string())
        .body(Body::from("{}"))
        .unwrap();
    send(&cafe(), announced).await.problem(413, "body-too-large");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_come_times_out() {
    let reply = call(&cafe(), "GET", "/internal/stuck").await;
    let problem = reply.problem(504, "timeout");
    assert!(problem["detail"].as_str().unwrap().contains(&format!("{REQUEST_SECONDS_MAX} s")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_last_longer_than_a_response_may_take() {
    let router = Router::new().route("/stream", get(three_slow_ticks)).layer(RequestLimits::new("stream"));
    assert_eq!(call(&router, "GET", "/stream").await.body, "0;1;2;");
}

async fn three_slow_ticks() -> Body {
    let ticks = stream::unfold(0_u32, async |tick| {
        tokio::time::sleep(std::time::Duration::from_secs(REQUEST_SECONDS_MAX)).await;
        (tick < 3).then(|| (Ok::<_, std::io::Error>(format!("{tick};")), tick + 1))
    });
    Body::from_stream(ticks)
}

#[tokio::test]
async fn more_requests_at_once_than_a_service_can_hold_are_refused() {
    let limits = RequestLimits::with_in_flight_max("busy", 1);
    let router = Router::new().route("/stuck", get(std::future::pending::<()>)).layer(limits);
    let first = tokio::spawn(router.clone().oneshot(request("GET", "/stuck", Body::empty())));
    tokio::task::yield_now().await;

    let reply = call(&router, "GET", "/stuck").await;
    reply.problem(503, "overloaded");
    assert_eq!(reply.headers["retry-after"], "1");
    first.abort();
}

#[tokio::test]
async fn a_request_that_the_client_cancelled_makes_room_for_the_next() {
    let router = Router::new()
        .route("/stuck", get(std::future::pending::<()>))
        .route("/quick", get(async || "here"))
        .layer(RequestLimits::with_in_flight_max("patient", 1));
    let cancelled = router.clone().oneshot(request("GET", "/stuck", Body::empty()));
    assert!(futures::FutureExt::now_or_never(cancelled).is_none());
    assert_eq!(call(&router, "GET", "/quick").await.body, "here");
}
