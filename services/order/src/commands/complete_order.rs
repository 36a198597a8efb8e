//! An order is complete if every unit is poured or handed over.

use contracts::{
    event::OrderCompleted,
    ids::OrderId,
    order::{OrderTransition, OrderView},
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::append_order_changed;
use crate::{model::Order, store};

/// Appends OrderChanged, and completes the order if it is paid and machines have poured every unit. Returns the order
/// after that.
pub(super) fn append_changed_and_complete_if_poured(
    tx: &mut Tx<'_>,
    order: Order,
    now: Timestamp,
) -> DbResult<OrderView> {
    let (order_id, is_all_poured) = (order.header.order_id, order.is_all_poured());
    let changed = append_order_changed(tx, order)?;
    if !is_all_poured {
        return Ok(changed);
    }
    match complete(tx, order_id, now)? {
        Some(completed) => append_completed(tx, completed, now),
        None => Ok(changed),
    }
}

/// Moves a paid order to COMPLETED. `None`: it is not being made. The caller calls [`append_completed`].
pub(super) fn complete(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<Order>> {
    // PROCESSING first: an order can go from PROCESSING to READY between the two statements, but never back.
    if let Some(order) = store::transition_order(tx, order_id, OrderTransition::CompleteFromProcessing, now)? {
        return Ok(Some(order));
    }
    store::transition_order(tx, order_id, OrderTransition::CompleteFromReady, now)
}

/// Appends OrderCompleted and OrderChanged.
pub(super) fn append_completed(tx: &mut Tx<'_>, order: Order, now: Timestamp) -> DbResult<OrderView> {
    let event =
        OrderCompleted { order_id: order.header.order_id, order_version: order.header.version, cups: order.cups() };
    outbox::append(tx, &event, now)?;
    append_order_changed(tx, order)
}
