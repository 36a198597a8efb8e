//! What can be done with stock: one file per use case, each a transaction.

mod adjust_stock;
mod follow_order;
mod items;
mod move_stock;
mod recipes;
mod reserve_stock;

use clock::Clock;
use contracts::{event::InventoryLow, inventory::InventoryView};
use db::Db;

pub(crate) use follow_order::LAPSE_EVERY;

/// The stock of a shop, and the home of every command on it.
#[derive(Clone)]
pub(crate) struct Inventory {
    db: Db,
    clock: Clock,
}

impl Inventory {
    /// The stock that `db` holds.
    #[must_use]
    pub(crate) fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }
}

/// What staff are told of an item at its low level.
fn low(item: InventoryView, low_level: i64) -> InventoryLow {
    InventoryLow { inventory_id: item.inventory_id, name: item.name, unit: item.unit, on_hand: item.on_hand, low_level }
}
