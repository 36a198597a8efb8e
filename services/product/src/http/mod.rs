//! The menu's routes: parse, call a command, answer.

mod categories;
mod internal;
mod paging;
mod products;

use axum::{Router, routing::get};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::commands::Products;

/// Every route of the menu; those that only other services call are left out of the API's document.
pub(crate) fn router(products: Products) -> OpenApiRouter {
    let internal = Router::new()
        .route("/internal/Product/cards", get(internal::cards))
        .route("/internal/Product/currencies", get(internal::currencies))
        .route("/internal/Product/taxes", get(internal::taxes));
    OpenApiRouter::new()
        .routes(routes!(products::list_products, products::create_product))
        .routes(routes!(products::list_availability))
        .routes(routes!(products::read_product, products::replace_product, products::archive_product))
        .routes(routes!(products::set_availability))
        .routes(routes!(categories::list_categories, categories::create_category))
        .routes(routes!(categories::read_category, categories::replace_category, categories::archive_category))
        .merge(OpenApiRouter::from(internal))
        .with_state(products)
}
