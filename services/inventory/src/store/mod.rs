//! The SQL of stock: one statement, one function.

mod items;
mod moves;
mod recipes;
mod reservations;

use db::{DbResult, Row};
use serde::de::DeserializeOwned;

pub(crate) use items::{
    ItemFilter, ItemLevel, add_on_hand, apply_change, apply_change_if_available, available_of_blocking,
    count_low_items, existing_items, find_item, find_item_of_product, insert_item, list_items, lock_item,
    lock_whole_item, raise_low_level, update_item,
};
pub(crate) use moves::{NewMove, insert_moves, list_moves};
pub(crate) use recipes::{find_recipe, lock_recipe, recipes_of, upsert_recipe};
#[cfg(test)]
pub(crate) use reservations::list_all;
pub(crate) use reservations::{
    has_unconfirmed_after, list_unconfirmed, lock_reservation, restamp_unconfirmed_after, set_notified_items,
    set_pending_shortages, update_reservation,
};

/// The JSON of a column that may be NULL.
fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> DbResult<Option<T>> {
    match row.get::<Option<String>>(column)? {
        Some(_) => row.json(column).map(Some),
        None => Ok(None),
    }
}
