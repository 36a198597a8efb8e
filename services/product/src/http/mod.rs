//! The routes of the menu: parse, call a command, respond.

mod categories;
mod internal;
mod products;

use access::{Access, Policy};
use axum::{Router, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;
use web::{Ready, Routes};

use crate::{NAME, commands::Products};

/// The service's routes and their document.
pub(crate) fn router(products: Products, access: &Access, ready: Ready) -> (Router, OpenApi) {
    let routes = Routes::new()
        .allow(Policy::STAFF_AND_TABLETS, routes!(products::list_products))
        .allow(Policy::MANAGERS, routes!(products::create_product))
        .allow(Policy::STAFF_AND_TABLETS, routes!(products::list_availability))
        .allow(Policy::STAFF_AND_TABLETS, routes!(products::get_product))
        .allow(Policy::MANAGERS, routes!(products::replace_product, products::archive_product))
        .allow(Policy::STAFF, routes!(products::set_availability))
        .allow(Policy::STAFF_AND_TABLETS, routes!(categories::list_categories))
        .allow(Policy::MANAGERS, routes!(categories::create_category))
        .allow(Policy::STAFF_AND_TABLETS, routes!(categories::get_category))
        .allow(Policy::MANAGERS, routes!(categories::replace_category, categories::archive_category))
        .internal("/internal/Product/cards", get(internal::list_cards))
        .internal("/internal/Product/currencies", get(internal::list_currencies))
        .internal("/internal/Product/taxes", get(internal::list_taxes))
        .with_state(products);
    web::finish(
        NAME,
        "Product",
        "The menu: categories, products, options, prices, and what can be ordered now.",
        routes,
        access,
        ready,
    )
}
