//! `/api/Shop`: the shop's settings.

use access::Policy;
use axum::{extract::State, http::HeaderMap, response::IntoResponse};
use contracts::{problem::Problem as ProblemBody, shop::ShopSettings};
use utoipa_axum::routes;
use web::{Caller, Json, Problem, Routes, etag, if_match};

use crate::{commands::Settings, model::VersionedSettings};

/// The routes of the shop's settings.
pub(super) fn routes() -> Routes<Settings> {
    Routes::new().allow(Policy::STAFF_AND_TABLETS, routes!(get_shop)).allow(Policy::OWNERS, routes!(replace_shop))
}

/// Reads the shop's settings
///
/// The header ETag holds their version: send it as If-Match with a change.
#[utoipa::path(get, path = "/api/Shop", tag = "Shop", responses(
    (status = 200, description = "The current settings", body = ShopSettings, headers(("ETag" = String, description = "Their version")))
))]
async fn get_shop(State(settings): State<Settings>) -> Result<impl IntoResponse, Problem> {
    Ok(versioned(settings.get_settings().await?))
}

/// Replaces the shop's settings
///
/// The whole document: read it, change it, send it. With If-Match, the change of somebody else since is not lost (412).
/// The currency cannot change while the menu has prices in another one (409 currency-fixed), and a tax that products
/// name cannot be removed (409 tax-in-use).
#[utoipa::path(put, path = "/api/Shop", tag = "Shop", request_body = ShopSettings,
    params(("If-Match" = Option<String>, Header, description = "The ETag of the settings that were read")),
    responses(
        (status = 200, description = "The new settings", body = ShopSettings, headers(("ETag" = String, description = "Their new version"))),
        (status = 400, description = "If-Match is not a version", body = ProblemBody),
        (status = 409, description = "The menu has other prices or taxes", body = ProblemBody),
        (status = 412, description = "They were changed since they were read", body = ProblemBody),
        (status = 422, description = "A setting is not valid", body = ProblemBody),
    )
)]
async fn replace_shop(
    State(settings): State<Settings>,
    caller: Caller,
    headers: HeaderMap,
    Json(shop): Json<ShopSettings>,
) -> Result<impl IntoResponse, Problem> {
    Ok(versioned(settings.replace_settings(caller.actor(), shop, if_match(&headers)?).await?))
}

fn versioned(stored: VersionedSettings) -> impl IntoResponse {
    (etag(stored.version), Json(stored.settings))
}
