//! The SQL of stock: one statement, one function.

mod items;
mod moves;
mod orders;
mod recipes;

pub(crate) use items::{
    ItemFilter, ItemLevel, add_on_hand, change, change_if_enough, insert_item, item, item_of_product, items,
    known_items, lock_item, raise_low_level, update_item,
};
pub(crate) use moves::{NewMove, insert_moves, moves};
#[cfg(test)]
pub(crate) use orders::all_orders;
pub(crate) use orders::{keep_said, keep_unsaid, lock_order, save_order, unconfirmed_since};
pub(crate) use recipes::{
    clear_recipe, insert_recipe, is_recipe_written, recipe_lines, recipe_parts, write_recipe_header,
};
