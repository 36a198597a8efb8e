//! `/api/Shop`: the shop's settings.

use axum::{Json, Router, extract::State, http::HeaderMap, response::IntoResponse};
use contracts::{problem::Problem as ProblemBody, shop::ShopSettings};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Problem, Ready, etag, if_match};

use crate::{commands::Settings, model::Document};

/// The routes of this service, and their document.
pub(crate) fn settings_routes(settings: Settings, ready: Ready) -> (Router, OpenApi) {
    let routes = OpenApiRouter::new().routes(routes!(shop, replace_shop)).with_state(settings);
    web::finish(
        crate::NAME,
        "Shop",
        "The shop's settings: how it is called, how it trades and how guests pay.",
        routes,
        ready,
    )
}

/// Reads the shop's settings
///
/// The header ETag carries their version: send it as If-Match with a change.
#[utoipa::path(get, path = "/api/Shop", tag = "Shop", responses(
    (status = 200, description = "The settings as they are", body = ShopSettings, headers(("ETag" = String)))
))]
async fn shop(State(settings): State<Settings>) -> Result<impl IntoResponse, Problem> {
    Ok(answer(settings.current().await?))
}

/// Replaces the shop's settings
///
/// The whole document: read it, change it, send it. With If-Match only if nobody else changed it meanwhile (412).
/// The currency cannot change while the menu has prices in another one (409 currency-fixed), and a tax that products
/// name cannot go (409 tax-in-use).
#[utoipa::path(put, path = "/api/Shop", tag = "Shop", request_body = ShopSettings,
    params(("If-Match" = Option<String>, Header, description = "The ETag of the settings that were read")),
    responses(
        (status = 200, description = "The settings as they are now", body = ShopSettings, headers(("ETag" = String))),
        (status = 400, description = "If-Match is no version", body = ProblemBody),
        (status = 409, description = "The menu stands in the way", body = ProblemBody),
        (status = 412, description = "They were changed meanwhile", body = ProblemBody),
        (status = 422, description = "A setting that cannot be", body = ProblemBody),
    )
)]
async fn replace_shop(
    State(settings): State<Settings>,
    headers: HeaderMap,
    web::Json(wanted): web::Json<ShopSettings>,
) -> Result<impl IntoResponse, Problem> {
    Ok(answer(settings.replace(wanted, if_match(&headers)?).await?))
}

fn answer(document: Document) -> impl IntoResponse {
    (etag(document.version), Json(document.settings))
}
