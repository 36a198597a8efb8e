//! What an order takes of the stock, and what a person may do to it: plain data in, plain data or a refusal out.

mod allocation;
mod recipe;
mod reservation;
mod validation;

pub(crate) use allocation::{
    Allocation, StockChange, StockEffect, StockNeed, StockNeeds, crosses_low_level, difference, merge_items,
    out_of_stock_detail, sold_out, stock_needs,
};
pub(crate) use recipe::{
    Recipes, check_dispensed_part, check_recipe, empty_recipe, items_of_recipe, one_of, unknown_option,
};
pub(crate) use reservation::{OrderIdTaken, OrderUpdate, Reservation, ReservationChange};
pub(crate) use validation::{
    Adjustment, check_adjustment, check_item, check_reservation, check_sold_out_request, trimmed_note,
};
