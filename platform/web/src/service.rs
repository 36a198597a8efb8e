//! What every service has besides its own routes.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::IntoResponse,
    routing::{any, get},
};
use futures::future::BoxFuture;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, Content, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, PathItem},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Problem, guard::Guard, metrics, problem::PROBLEM_JSON};

/// How long a service may take to say that it is ready. An orchestrator asks every few seconds.
const READY_SECONDS_MAX: u64 = 2;

/// What every path that only peers call begins with.
const INTERNAL: &str = "internal";

/// Says whether a service can do its work now, or why not.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A [`Ready`] from a closure that returns a future.
pub fn ready<F, Fut>(ask: F) -> Ready
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(ask()))
}

/// Adds what every service has to its routes:
/// `/livez`, `/readyz`, `/metrics`, `/openapi.json`; problems for unknown routes and methods; bounds on the body,
/// on the time and on requests in flight; panics as 500; metrics.
///
/// `title` and `description` head the service's API document. Routes under `/internal` are in `routes` too, as a
/// plain router (`routes.merge(OpenApiRouter::from(internal))`), which leaves them out of the document.
pub fn finish(
    service: &'static str,
    title: &str,
    description: &str,
    routes: OpenApiRouter,
    ready: Ready,
) -> (Router, OpenApi) {
    let metrics = metrics::install();
    let (routes, document) = routes.split_for_parts();
    let document = complete(document, title, description);
    let json = Bytes::from(document.to_json().unwrap_or_default());

    let health = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async move || is_ready(&ready).await))
        .route("/metrics", get(async move || ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render())))
        .route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, JSON)], json.clone())))
        .method_not_allowed_fallback(unknown_method);
    let router = routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(Guard::new(service))
        .merge(health)
        .with_state(());
    (router, document)
}

/// A service's router for those outside: what its peers call, under `/internal`, is not there.
pub fn without_internal(router: Router) -> Router {
    Router::new().route(&format!("/{INTERNAL}/{{*path}}"), any(unknown_route)).fallback_service(router)
}

const PROMETHEUS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

async fn is_ready(ready: &Ready) -> Result<&'static str, Problem> {
    let asked = tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), ready()).await;
    match asked.unwrap_or_else(|_| Err(format!("no word within {READY_SECONDS_MAX} s"))) {
        Ok(()) => Ok("ready\n"),
        Err(why) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-ready",
            "Not ready",
            format!("Not ready: {why}. Ask again in a second."),
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

/// The framework adds `Allow` to it.
async fn unknown_method(method: Method, uri: Uri) -> impl IntoResponse {
    let path = uri.path();
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        format!("{path} does not answer {method}. The header Allow says what it answers."),
    )
}

/// Heads the document, and adds to each operation that its refusals are problems.
fn complete(mut document: OpenApi, title: &str, description: &str) -> OpenApi {
    document.info =
        InfoBuilder::new().title(title).description(Some(description)).version(env!("CARGO_PKG_VERSION")).build();
    if document.paths.paths.is_empty() {
        return document;
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        responses
            .iter_mut()
            .filter(|(status, _)| status.starts_with(['4', '5']))
            .for_each(|(_, refusal)| as_problem(refusal));
        responses.entry("default".into()).or_insert_with(refusal);
    }
    let problem = contracts::problem::Problem::name().into_owned();
    let schema = contracts::problem::Problem::schema();
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.schemas.entry(problem).or_insert(schema);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// A route's own words of a refusal say which body it has; that it is a problem, and not just any JSON, goes for all.
fn as_problem(refusal: &mut RefOr<utoipa::openapi::Response>) {
    let RefOr::T(refusal) = refusal else { return };
    if let Some(body) = refusal.content.swap_remove("application/json") {
        refusal.content.insert(PROBLEM_JSON.into(), body);
    }
}

fn refusal() -> RefOr<utoipa::openapi::Response> {
    let problem = Ref::from_schema_name(contracts::problem::Problem::name());
    let response = ResponseBuilder::new()
        .description("A refusal: what happened, to what, and what to do now.")
        .content(PROBLEM_JSON, Content::new(Some(problem)))
        .build();
    RefOr::T(response)
}
