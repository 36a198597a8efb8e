//! The inventory service: what is in stock, and what orders take of it.
//!
//! Owns items of stock, the ledger of their movements, recipes, and what each order holds or consumed (`inventory_db`).
//! What is on hand is always the sum of the movements; what is reserved is always what open, unpaid orders hold.
//!
//! Consumes OrderCreated, OrderRevived, OrderCancelled, OrderExpired, OrderCompleted and PaymentCompleted. Publishes
//! InventoryLow, once each time an item falls to its low level, and StockShort, if an accepted order needs more than
//! is there. Asks Product which options a product has when its recipe is written. Does not know prices, or anything
//! about an order except its stock.

mod commands;
mod consumers;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use db::{OpenError, Schema};
use host::{Service, ServiceContext, Timer};

use commands::{EXPIRE_RESERVATIONS_EVERY, Inventory, REPORT_LOW_ITEMS_EVERY};

/// The name of this service in calls, and of its database.
pub const NAME: &str = "inventory";

/// Inventory's tables.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__inventory", include_str!("../migrations/V1__inventory.sql"))] };

/// Opens Inventory: its database, routes, consumer and timers.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let product = context.services.client("product");
    let inventory = Inventory::new(db.clone(), context.clock.clone(), product);

    let (router, openapi) = http::router(inventory.clone(), &context.access, host::ready(&db));
    commands::describe_metrics();
    let expire_reservations =
        Timer::new("expire reservations", EXPIRE_RESERVATIONS_EVERY, inventory.clone(), |inventory| async move {
            inventory.expire_reservations().await
        });
    let report_low_items =
        Timer::new("report low items", REPORT_LOW_ITEMS_EVERY, inventory.clone(), |inventory| async move {
            inventory.report_low_items().await
        });
    Ok(Service {
        name: NAME,
        router,
        openapi,
        consumer: Some(consumers::consumer(&db, inventory)),
        db,
        timers: vec![expire_reservations, report_low_items],
    })
}
