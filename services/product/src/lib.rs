//! The product service: the menu, with its categories, products, options and prices.
//!
//! Owns what a shop sells and its prices (`products_db`). Publishes
//! [`ProductChanged`](contracts::event::ProductChanged) with the whole card at every change, and keeps each card in the
//! cache for Order, by version. Asks Inventory what is sold out. Consumes nothing, because what is ordered, paid or in
//! stock does not change the menu.

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

/// The name of this service in calls, and of its database.
pub const NAME: &str = "product";

/// Product's tables.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__menu", include_str!("../migrations/V1__menu.sql"))] };

/// Opens Product: its database and routes. Caches every product ("System Startup").
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let products = Products::new(
        db.clone(),
        context.cache.clone(),
        context.clock.clone(),
        context.shop.clone(),
        context.services.client("inventory"),
    );
    if let Err(error) = products.cache_all_cards().await {
        tracing::warn!(error = %errors::chain(&error), "product cards not cached");
    }

    let (router, openapi) = http::router(products, &context.access, host::ready(&db));
    Ok(Service { name: NAME, router, openapi, db, consumer: None, timers: Vec::new() })
}
