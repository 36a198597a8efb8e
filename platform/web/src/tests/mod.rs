//! A small service, its requests and its responses.

mod access;
mod clients;
mod health;
mod idempotency;
mod limits;
mod rate_limits;
mod refusals;
mod signed;
mod tracing;

use ::access::{Access, Policy};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use clock::Clock;
use contracts::ids::OrderId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;

use crate::{Created, IdempotentJson, Json, Path, Problem, Query, Routes, extract::BODY_BYTES_MAX, finish, ready};

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    /// The problem in the body, after a check of its status, media type and type.
    #[track_caller]
    fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["type"], format!("/problems/{slug}"));
        assert_eq!(problem["status"], status);
        problem
    }

    /// As [`Reply::problem`], and checks its detail.
    #[track_caller]
    fn assert_problem(&self, status: u16, slug: &str, detail: &str) {
        assert_eq!(self.problem(status, slug)["detail"], detail);
    }
}

async fn send(router: &Router, request: Request) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 2 * BODY_BYTES_MAX).await.unwrap();
    Reply { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request {
    Request::builder().method(method).uri(path).header("content-type", "application/json").body(body.into()).unwrap()
}

async fn call(router: &Router, method: &str, path: &str) -> Reply {
    send(router, request(method, path, Body::empty())).await
}

async fn submit(router: &Router, body: impl Into<Body>) -> Reply {
    send(router, request("POST", "/api/Cup", body)).await
}

#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cups {
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    cup_count: u32,
    size: Size,
}

#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Size {
    Small,
    Large,
}

#[derive(Deserialize)]
struct Filter {
    size: Size,
}

/// Makes cups.
#[utoipa::path(post, path = "/api/Cup", request_body = Cups, responses((status = 201), (status = 409, body = contracts::problem::Problem)))]
async fn make_cups(Json(cups): Json<Cups>) -> Created<usize> {
    Created::at("/api/Cup/1".to_owned(), cups.lines.len())
}

async fn idempotency_key(request: IdempotentJson<Value>) -> axum::Json<Value> {
    axum::Json(request.key.map_or(
        Value::Null,
        |key| json!({"caller": key.caller, "route": key.route, "key": key.key, "fingerprint": key.fingerprint}),
    ))
}

/// A service with one route of each kind.
fn cafe() -> Router {
    let plain = Router::new()
        .route("/api/Cup/{cupId}", get(async |Path(id): Path<OrderId>| id.to_string()))
        .route("/api/Cup/{cupId}/fill", post(idempotency_key))
        .route("/api/Mug", get(async |Query(filter): Query<Filter>| axum::Json(filter.size)).post(idempotency_key))
        .route("/internal/broken", get(broken))
        .route("/internal/stuck", get(std::future::pending::<()>))
        .route("/internal/refused", get(async || Problem::not_found("cup", 7).with_context(&json!({"cups": 6}))))
        .route("/internal/empty", post(async || StatusCode::NO_CONTENT));
    let routes = pages(plain).allow(Policy::ANYONE, routes!(make_cups));
    finish("cafe", "Café", "Cups.", routes, &nobody(), ready(async || Ok(()))).0
}

/// Routes that anyone may use.
fn pages(routes: Router) -> Routes {
    Routes::pages(OpenApi::default(), routes)
}

/// Knows no credential.
fn nobody() -> Access {
    Access::new(Clock::system())
}

async fn broken() -> String {
    panic!("the cup fell")
}
