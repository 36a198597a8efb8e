//! `/`: the start page.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Uri},
    response::Response,
    routing::get,
};
use clock::Clock;
use contracts::time::Timestamp;
use host::SharedShopRules;
use serde::Deserialize;
use web::{DEVICE_COOKIE, Problem, Query};

use super::{origin::ServiceRouters, page};
use crate::model::{PageContext, StartPage, Visitor};

/// The page has no script; its style, pictures and forms are of this origin. The pattern in the style is a `data:` image.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

#[derive(Clone)]
pub(super) struct StartPageState {
    pub(super) shop: SharedShopRules,
    pub(super) clock: Clock,
    pub(super) services: ServiceRouters,
    /// The kind of the databases.
    pub(super) database: &'static str,
    pub(super) started_at: Timestamp,
    /// Whether the doors sign in: this is the demo shop, on loopback.
    pub(super) is_demo: bool,
}

#[derive(Deserialize)]
struct LanguageQuery {
    lang: Option<String>,
}

pub(super) fn routes(state: StartPageState) -> Router {
    Router::new().route("/", get(get_start_page)).with_state(state)
}

async fn get_start_page(
    State(state): State<StartPageState>,
    Query(query): Query<LanguageQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = page::language(query.lang.as_deref(), &headers);
    let (shop, services) = (state.shop.current(), state.services.states().await);
    let now = state.clock.now();
    let html = StartPage {
        context: PageContext { shop: &shop.settings().name, language, address: page::address(&uri, &headers) },
        visitor: visitor(state.is_demo, &headers),
        day: shop.business_day(now),
        services: &services,
        database: state.database,
        version: env!("CARGO_PKG_VERSION"),
        uptime: now.since(state.started_at),
    };
    Ok(page::response(html.html(), language, POLICY))
}

fn visitor(is_demo: bool, headers: &HeaderMap) -> Visitor {
    if is_demo {
        Visitor::Demo
    } else if web::cookie(headers, DEVICE_COOKIE).is_some() {
        // Whether its token is valid is decided where it is used; a door gives no access.
        Visitor::Paired
    } else {
        Visitor::Unpaired
    }
}
