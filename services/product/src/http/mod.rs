//! The routes of the menu: parse, call a command, respond.

mod categories;
mod internal;
mod products;

use axum::{Router, routing::get};
use contracts::{PAGE_ROWS_MAX, page_rows};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Problem, Ready};

use crate::{NAME, commands::Products};

/// Every route of this service, and the document of the public ones.
pub(crate) fn router(products: Products, ready: Ready) -> (Router, OpenApi) {
    let internal = Router::new()
        .route("/internal/Product/cards", get(internal::list_cards))
        .route("/internal/Product/currencies", get(internal::list_currencies))
        .route("/internal/Product/taxes", get(internal::list_taxes));
    let routes = OpenApiRouter::new()
        .routes(routes!(products::list_products, products::create_product))
        .routes(routes!(products::list_availability))
        .routes(routes!(products::get_product, products::replace_product, products::archive_product))
        .routes(routes!(products::set_availability))
        .routes(routes!(categories::list_categories, categories::create_category))
        .routes(routes!(categories::get_category, categories::replace_category, categories::archive_category))
        .merge(OpenApiRouter::from(internal))
        .with_state(products);
    web::finish(
        NAME,
        "Product",
        "The menu: categories, products, options, prices, and what can be ordered now.",
        routes,
        ready,
    )
}

/// The rows of a page that was asked for with `limit`, or of the longest page.
fn checked_rows(limit: Option<u32>) -> Result<u32, Problem> {
    page_rows(limit, PAGE_ROWS_MAX).map_err(|error| Problem::bad_request(format!("{error}.")))
}
