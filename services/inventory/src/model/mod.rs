//! What an order does to the stock, and what a person may do to it: plain data in, plain data or a refusal out.

mod bounds;
mod occupied;
mod order_stock;

pub(crate) use bounds::{Adjustment, adjustment, check_recipe, check_reservation, item, note};
pub(crate) use occupied::{
    Effect, Need, Needs, Occupied, RecipeLine, StockChange, difference, fell_low, merged, needs, out_of_stock_detail,
};
pub(crate) use order_stock::{Changed, OrderIdTaken, OrderStock, Said};
