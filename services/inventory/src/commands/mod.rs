//! What can be done with stock: one file per use case, each with one transaction that decides.

mod adjust_stock;
mod create_item;
mod expire_reservations;
mod find_sold_out;
mod queries;
mod reallocate;
mod release_stock;
mod replace_item;
mod report_low_items;
mod reserve_stock;
mod update_order_stock;
mod write_recipe;

use clock::Clock;
use contracts::{event::InventoryLow, inventory::InventoryView};
use db::Db;
use web::ServiceClient;

pub(crate) use expire_reservations::EXPIRE_RESERVATIONS_EVERY;
pub(crate) use report_low_items::{REPORT_LOW_ITEMS_EVERY, describe_metrics};

/// The stock of a shop: every command is a method of it.
#[derive(Clone)]
pub(crate) struct Inventory {
    db: Db,
    clock: Clock,
    product: ServiceClient,
}

impl Inventory {
    /// The stock in `db`. `product` is asked for the card of a product whose recipe is written.
    #[must_use]
    pub(crate) fn new(db: Db, clock: Clock, product: ServiceClient) -> Self {
        Self { db, clock, product }
    }
}

/// The event for an item that fell to its low level.
fn inventory_low(item: InventoryView, low_level: i64) -> InventoryLow {
    InventoryLow { inventory_id: item.inventory_id, name: item.name, unit: item.unit, on_hand: item.on_hand, low_level }
}
