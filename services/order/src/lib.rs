//! Order: orders from the request of a client until the last cup is handed over.
//!
//! Owns orders, their lines and their numbers. Publishes OrderCreated, OrderRevived, OrderCancelled, OrderExpired,
//! OrderCompleted, OrderChanged and PaymentOrphaned. Consumes PaymentCompleted, CodesIssued, DispenseCompleted,
//! DispenseFailed, StockShort and ProductChanged. Asks Product for cards that the cache does not have, Inventory for
//! stock, and Payment before it cancels, expires or changes an order that looks unpaid. Does not know how money is taken
//! or what a code looks like.

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

/// How often unpaid orders are expired. An order may be PENDING this much longer than its deadline.
const EXPIRY_EVERY: Duration = Duration::from_secs(1);

/// Opens the service: its database, its routes, its consumer and its timer.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let orders = Orders::new(db.clone(), context);
    let (router, openapi) = http::router(orders.clone(), &context.access, host::ready(&db));

    let expiry = Timer::new("expire unpaid orders", EXPIRY_EVERY, orders.clone(), |orders| async move {
        orders.expire_unpaid_orders().await
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
