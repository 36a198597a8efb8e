//! What every service has beside its own routes: health, metrics, its API document, and problems for unknown routes.

use std::convert::Infallible;

use access::{Access, Policy};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::IntoResponse,
    routing::{any, get},
};
use utoipa::openapi::OpenApi;

use crate::{
    Problem, Ready, Routes, authentication::Authentication, guard::Guard, metrics, openapi, rate_limits::RateLimits,
    readiness::Readiness, request_limits::RequestLimits,
};

/// The first part of every path that only other services call.
const INTERNAL: &str = "internal";

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
    let readiness = Readiness::new(ready);
    let limited = Router::new()
        .route("/readyz", get(async move || readiness.check().await))
        .route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, JSON)], json.clone())))
        .layer(RateLimits)
        .layer(authentication.clone());
    // A program that is refused here because of others on its network would be restarted: no rate limit.
    let health = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/metrics", metrics_route)
        .merge(limited)
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
