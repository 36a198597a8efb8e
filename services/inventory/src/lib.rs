//! The inventory service: what is in the storeroom, and what orders take of it.
//!
//! Owns items of stock, the ledger of their movements, recipes, and what each order holds or took (`inventory_db`).
//! What is there is always the sum of the movements; what is reserved is always what open, unpaid orders hold.
//!
//! Hears OrderCreated, OrderRevived, OrderCancelled, OrderExpired, OrderCompleted and PaymentCompleted. Says
//! InventoryLow, once each time an item falls to its low level, and StockShort, when an accepted order needs more than
//! is there. Refuses to know what a product costs or is called, and what becomes of an order besides its stock.

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

use commands::Inventory;

/// The name under which others call this service, and its database's.
pub const NAME: &str = "inventory";

/// Inventory's tables.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__inventory", include_str!("../migrations/V1__inventory.sql"))] };

/// Opens the service's database and puts its routes, its consumer and its timer together.
///
/// # Errors
/// Where the database cannot be opened.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let inventory = Inventory::new(db.clone(), context.clock.clone());

    let (router, openapi) = web::finish(
        NAME,
        "Inventory",
        "Items of stock, their movements, and what one unit of a product takes of them.",
        http::routes(inventory.clone()),
        host::ready(&db),
    );

    let lapses = Timer::new("lapse reservations", commands::LAPSE_EVERY, inventory.clone(), |inventory| async move {
        inventory.lapse_unconfirmed().await
    });
    Ok(Service {
        name: NAME,
        router,
        openapi,
        consumer: Some(consumers::consumer(&db, inventory)),
        db,
        timers: vec![lapses],
    })
}
