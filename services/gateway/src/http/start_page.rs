//! `/`: the start page.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse},
    routing::get,
};
use clock::Clock;
use host::SharedShopRules;
use serde::Deserialize;
use web::{Problem, Query};

use super::origin::ServiceRouters;
use crate::model::{Language, StartPage};

const STYLE: &str = include_str!("../../pages/start.css");
const ICON: &str = include_str!("../../pages/icon.svg");

/// The page has no script; its style and picture come from this origin.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[derive(Clone)]
pub(super) struct StartPageState {
    pub(super) shop: SharedShopRules,
    pub(super) clock: Clock,
    pub(super) services: ServiceRouters,
}

#[derive(Deserialize)]
struct LanguageQuery {
    lang: Option<String>,
}

pub(super) fn routes(state: StartPageState) -> Router {
    Router::new()
        .route("/", get(get_start_page))
        .route("/start.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)))
        .route("/icon.svg", get(async || ([(header::CONTENT_TYPE, "image/svg+xml")], ICON)))
        .with_state(state)
}

async fn get_start_page(
    State(state): State<StartPageState>,
    Query(query): Query<LanguageQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let accepts = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::of_guest(query.lang.as_deref(), accepts);
    let (shop, services) = (state.shop.current(), state.services.states().await);
    let html =
        StartPage { shop: &shop.settings().name, day: shop.business_day(state.clock.now()), services: &services }
            .html(language);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag())),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, Html(html)))
}
