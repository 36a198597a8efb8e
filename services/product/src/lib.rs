//! The menu: categories, products, their options and prices.
//!
//! Owns what a shop sells and what it asks for it. Says [`ProductChanged`](contracts::event::ProductChanged) with the
//! whole card at every change, and keeps each card in the cache for Order, by version. Hears nothing, so it has no
//! consumers: what is ordered, paid or in stock does not change the menu.

mod commands;
mod error;
mod http;
mod model;
mod store;

#[cfg(test)]
mod tests;

use db::{OpenError, Schema};
use host::{Service, ServiceContext};

use commands::Products;

/// The menu's tables.
pub const SCHEMA: Schema =
    Schema { service: "product", migrations: &[("V1__menu", include_str!("../migrations/V1__menu.sql"))] };

/// Opens the menu, and caches every product ("System Startup").
///
/// # Errors
/// Where its tables cannot be opened.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let products = Products::new(db.clone(), context.cache.clone(), context.clock.clone(), context.shop.clone());
    if let Err(error) = products.cache_all().await {
        tracing::warn!(%error, "menu_not_cached");
    }
    let (router, openapi) = web::finish(
        SCHEMA.service,
        "Product",
        "The menu: categories, products, options, prices, and what is on sale today.",
        http::router(products),
        host::ready(&db),
    );
    Ok(Service { name: SCHEMA.service, router, openapi, db, consumer: None, timers: Vec::new() })
}
