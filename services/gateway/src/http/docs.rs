//! `/docs`: the API browser, from the binary. It loads nothing from elsewhere, and its content security policy forbids it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use utoipa_swagger_ui::Config;
use web::Problem;

const PAGE: &str = include_str!("../../pages/docs.html");

/// Scripts and calls of this origin only; the pictures of the API browser are inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The files only change with the program.
const CACHE_ONE_HOUR: HeaderValue = HeaderValue::from_static("max-age=3600");

type ApiBrowser = Arc<Config<'static>>;

pub(super) fn routes() -> Router {
    let config = Config::from("/openapi.json")
        .use_base_layout()
        .validator_url("none")
        .doc_expansion("list")
        .default_models_expand_depth(0)
        .display_request_duration(true)
        .filter(true);
    Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async || ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))))
        .route("/docs/{file}", get(get_file))
        .with_state(Arc::new(config))
}

async fn get_file(State(config): State<ApiBrowser>, Path(name): Path<String>) -> Result<Response, Problem> {
    let served = utoipa_swagger_ui::serve(&name, config).map_err(|error| Problem::internal(error.to_string()))?;
    let Some(file) = served else { return Err(Problem::not_found("file of the API browser", name)) };
    let mut response = Body::from(file.bytes).into_response();
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::try_from(file.content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::CACHE_CONTROL, CACHE_ONE_HOUR);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}
