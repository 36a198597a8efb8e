//! Order: the life of an order, from the request at the till to the last cup handed over.
//!
//! Owns orders, their lines and their numbers. It says OrderCreated, OrderRevived, OrderCancelled, OrderExpired,
//! OrderCompleted, OrderChanged and PaymentOrphaned; it hears PaymentCompleted, CodesIssued, DispenseCompleted,
//! DispenseFailed, StockShort and ProductChanged. It asks Product for what the cache does not know, Inventory for stock,
//! and Payment before it gives up or goes on with an order that looks unpaid; it refuses to know how money comes or what a
//! code looks like.

mod commands;
mod consumers;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use db::{OpenError, Schema};
use host::{Service, ServiceContext, Timer};

use crate::commands::Orders;

/// The service's name.
pub const NAME: &str = "order";

/// Order's tables, in `orders_db`.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__orders", include_str!("../migrations/V1__orders.sql"))] };

/// How often the clock looks for orders to give up: they may live this much longer.
const EXPIRY_EVERY: Duration = Duration::from_secs(1);

/// Opens the service: its database, its routes, what it hears and what time does.
///
/// # Errors
/// Where its database cannot be opened.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let orders = Orders::new(db.clone(), context);
    let (router, openapi) = http::router(orders.clone(), host::ready(&db));

    let expiry = Timer::new("expire unpaid orders", EXPIRY_EVERY, orders.clone(), |orders| async move {
        orders.expire_unpaid().await
    });
    Ok(Service {
        name: NAME,
        router,
        openapi,
        consumer: Some(consumers::consumer(&db, orders)),
        db,
        timers: vec![expiry],
    })
}
