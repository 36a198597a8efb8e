//! `/pair`: the page on which a device is paired.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use host::SharedShopRules;
use serde::Deserialize;
use web::{Problem, Query};

use super::page;
use crate::model::{PageContext, PairPage, PairingCode};

/// Scripts, styles, pictures and calls of this origin only.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The camera reads the QR of a pairing code.
const PERMISSIONS: (HeaderName, HeaderValue) =
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(self)"));

#[derive(Deserialize)]
struct PairQuery {
    lang: Option<String>,
    code: Option<String>,
}

pub(super) fn routes(shop: SharedShopRules) -> Router {
    Router::new().route("/pair", get(get_pair_page)).with_state(shop)
}

async fn get_pair_page(
    State(shop): State<SharedShopRules>,
    Query(query): Query<PairQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = page::language(query.lang.as_deref(), &headers);
    let shop = shop.current();
    let html = PairPage {
        context: PageContext { shop: &shop.settings().name, language, address: page::address(&uri, &headers) },
        code: query.code.as_deref().and_then(PairingCode::parse),
    };
    Ok(([PERMISSIONS], page::response(html.html(), language, POLICY)).into_response())
}
