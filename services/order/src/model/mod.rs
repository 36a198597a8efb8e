//! The rules of an order: plain data in, plain data or a refusal out. No I/O.
//!
//! Each stage of an order has a type: [`PlaceOrder`](contracts::order::PlaceOrder) is a request, nothing of it checked;
//! [`PricedOrder`] has every rule applied and is not written; [`Order`] is a row; `OrderView` is an answer.

mod order;
mod order_id;
mod payment;
mod pricing;
mod request;
mod viewer;

pub(crate) use order::{
    FIRST_VERSION, Order, OrderHeader, OrderLine, Placement, PricedLine, PricedOrder, order_number,
};
pub(crate) use order_id::order_id_for;
pub(crate) use payment::{PaymentDecision, PaymentState, RecordedPayment, decide_payment, explain_refused_transition};
pub(crate) use pricing::{check_cups, check_total, choose_products, price_order};
pub(crate) use request::{Refusal, check_bounds, check_kiosk_units, check_text, choose_channel, is_same_request};
pub(crate) use viewer::Viewer;

#[cfg(test)]
mod tests;
