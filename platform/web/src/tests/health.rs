use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::*;

fn service(is_ready: bool) -> Router {
    let check =
        ready(move || async move { if is_ready { Ok(()) } else { Err("the database is unavailable".to_owned()) } });
    finish("health", "Health", "Nothing else.", Routes::new(), &nobody(), check).0
}

#[tokio::test]
async fn a_service_that_is_live_but_not_ready_gives_the_reason() {
    assert_eq!(call(&service(true), "GET", "/readyz").await.body, "ready\n");
    assert_eq!(call(&service(false), "GET", "/livez").await.status, 200);
    let reply = call(&service(false), "GET", "/readyz").await;
    reply.assert_problem(503, "not-ready", "Not ready: the database is unavailable. Ask again in a second.");
    assert_eq!(reply.headers["retry-after"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_readiness_check_that_does_not_end_means_not_ready() {
    let silent = ready(std::future::pending);
    let router = finish("silent", "Silent", "", Routes::new(), &nobody(), silent).0;
    call(&router, "GET", "/readyz").await.problem(503, "not-ready");
}

#[tokio::test(start_paused = true)]
async fn readiness_is_checked_once_a_second_however_many_ask() {
    let checks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&checks);
    let check = ready(move || {
        let checks = Arc::clone(&counted);
        async move {
            checks.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(())
        }
    });
    let router = finish("asked", "", "", Routes::new(), &nobody(), check).0;
    let ask = || call(&router, "GET", "/readyz");
    for replies in [futures::future::join_all((0..5).map(|_| ask())).await, vec![ask().await]] {
        assert!(replies.iter().all(|reply| reply.body == "ready\n"));
    }
    assert_eq!(checks.load(Ordering::Relaxed), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    ask().await;
    assert_eq!(checks.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_never_by_id() {
    let routes = Router::new().route("/api/Counted/{id}", get(async |Path(id): Path<String>| id));
    let router = finish("counted", "", "", pages(routes), &nobody(), ready(async || Ok(()))).0;
    for path in ["/api/Counted/1", "/api/Counted/2", "/api/Elsewhere"] {
        call(&router, "GET", path).await;
    }
    let metrics = call(&router, "GET", "/metrics").await;
    assert_eq!(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let line = |start: &str| metrics.body.lines().find(|line| line.starts_with(start)).map(str::to_owned);
    let count = r#"http_server_request_duration_seconds_count{service="counted",method="GET","#;
    assert!(line(&format!(r#"{count}route="/api/Counted/{{id}}",status="200"}} 2"#)).is_some(), "{}", metrics.body);
    assert!(line(&format!(r#"{count}route="none",status="404"}} 1"#)).is_some(), "{}", metrics.body);
    assert!(line(r#"http_server_request_duration_seconds_bucket{service="counted""#).is_some(), "{}", metrics.body);
    assert!(line(r#"http_server_active_requests{service="counted"} 0"#).is_some(), "{}", metrics.body);
    assert!(line(r#"build_info{version=""#).is_some(), "{}", metrics.body);
    assert!(metrics.body.contains("# HELP http_server_active_requests Requests in progress"), "{}", metrics.body);
}

#[tokio::test]
async fn the_api_document_shows_public_routes_and_how_refusals_look() {
    let reply = call(&cafe(), "GET", "/openapi.json").await;
    let document: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(document["info"]["title"], "Café");
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/api/Cup"]);
    for refusal in ["default", "409"] {
        let content = &document["paths"]["/api/Cup"]["post"]["responses"][refusal]["content"];
        let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        assert_eq!(*content, problem, "{refusal}");
    }
    assert!(document["components"]["schemas"]["Problem"]["properties"]["detail"].is_object());
}

/// Fills cups.
#[utoipa::path(post, path = "/api/Fill", params(
    ("Idempotency-Key" = Option<String>, Header), ("limit" = Option<u32>, Query, description = "At most this many")),
    responses((status = 201)))]
async fn fill_cups() {}

#[tokio::test]
async fn the_api_document_is_completed_with_what_is_the_same_everywhere() {
    let routes = Routes::new().allow(Policy::ANYONE, routes!(fill_cups));
    let (_, document) = finish("filled", "", "", routes, &nobody(), ready(async || Ok(())));

    let json: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
    let fill = &json["paths"]["/api/Fill"]["post"];
    assert_eq!(fill["responses"]["201"]["description"], "Created");
    let key = &fill["parameters"][0];
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
    assert_eq!((&key["schema"], &key["required"]), (&schema, &json!(false)));
    assert!(key["description"].as_str().unwrap().contains("same key"), "{key}");
    let limit = &fill["parameters"][1]["schema"];
    assert_eq!((&limit["minimum"], &limit["maximum"]), (&json!(1), &json!(200)));
    assert_eq!(crate::incomplete_operations(&document), ["POST /api/Fill: no request body"]);
}
