//! What every service has beside its own routes: health, metrics, its API document, and problems for unknown routes.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use access::{Access, Policy};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::IntoResponse,
    routing::{any, get},
};
use futures::future::BoxFuture;
use utoipa::openapi::OpenApi;

use crate::{
    Problem, Routes, authentication::Authentication, guard::Guard, metrics, openapi, rate_limits::RateLimits,
    request_limits::RequestLimits,
};

/// How long a readiness check may take. An orchestrator checks every few seconds.
const READY_SECONDS_MAX: u64 = 2;

/// The first part of every path that only other services call.
const INTERNAL: &str = "internal";

/// Checks whether a service can do its work now. The error is the reason, for people.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A [`Ready`] from a closure that returns a future.
pub fn ready<F, Fut>(check: F) -> Ready
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// Adds what every service has to its routes: `/livez`, `/readyz`, `/metrics`, `/openapi.json`; problems for unknown
/// routes and methods; who calls, by `access`, and how often; limits on time and on requests in flight; panics as 500;
/// metrics, which this machine and owners may read.
///
/// `title` and `description` begin the service's API document.
pub fn finish(
    service: &'static str,
    title: &str,
    description: &str,
    routes: Routes,
    access: &Access,
    ready: Ready,
) -> (Router, OpenApi) {
    let metrics = metrics::install();
    let (routes, document) = routes.split();
    let document = openapi::complete(document, title, description);
    let json = Bytes::from(document.to_json().unwrap_or_default());

    let authentication = Authentication::new(access.clone());
    let metrics_route = get(async move || ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render()))
        .layer::<_, Infallible>(Guard::new(Policy::OWNERS).or_this_machine())
        .layer::<_, Infallible>(RateLimits)
        .layer(authentication.clone());
    let health = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async move || is_ready(&ready).await))
        .route("/metrics", metrics_route)
        .route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, JSON)], json.clone())))
        .method_not_allowed_fallback(unknown_method);
    let router = routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(RateLimits)
        .layer(authentication)
        .layer(RequestLimits::new(service))
        .merge(health)
        .with_state(());
    (router, document)
}

/// A service's router without `/internal`, which only other services call: for a port that anyone can reach.
pub fn without_internal(router: Router) -> Router {
    Router::new().route(&format!("/{INTERNAL}/{{*path}}"), any(unknown_route)).fallback_service(router)
}

const PROMETHEUS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

async fn is_ready(ready: &Ready) -> Result<&'static str, Problem> {
    let checked = tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), ready()).await;
    match checked.unwrap_or_else(|_| Err(format!("no answer within {READY_SECONDS_MAX} s"))) {
        Ok(()) => Ok("ready\n"),
        Err(reason) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-ready",
            "Not ready",
            format!("Not ready: {reason}. Ask again in a second."),
        )),
    }
}

async fn unknown_route(method: Method, uri: Uri) -> Problem {
    let path = uri.path();
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-route",
        "Unknown route",
        format!("There is nothing at {method} {path}. /openapi.json lists every route; names are case-sensitive."),
    )
}

/// axum adds the header `Allow`.
async fn unknown_method(method: Method, uri: Uri) -> impl IntoResponse {
    let path = uri.path();
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        format!("{path} has no method {method}. The header Allow lists its methods."),
    )
}
