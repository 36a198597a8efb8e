//! An order is complete when every unit is poured or handed over.

use contracts::{
    event::OrderCompleted,
    ids::OrderId,
    order::{OrderView, cups},
    time::Timestamp,
};
use db::{DbError, Tx, outbox};

use super::say_changed;
use crate::{model, store};

/// Completes a paid order of which machines have poured every unit. Answers the order as it is then.
pub(super) fn complete_if_poured(tx: &mut Tx<'_>, order: OrderView, now: Timestamp) -> Result<OrderView, DbError> {
    if !model::is_all_poured(&order) {
        return Ok(order);
    }
    Ok(complete(tx, order.order_id, now)?.unwrap_or(order))
}

/// Moves a paid order to COMPLETED and says so. `None`: it is not being made.
pub(super) fn complete(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> Result<Option<OrderView>, DbError> {
    let Some(completed) = store::complete(tx, order_id, now)? else { return Ok(None) };
    let (order_version, cups) = (completed.version, cups(&completed.items));
    let event = OrderCompleted { order_id, order_version, cups };
    outbox::append(tx, &event, now)?;
    say_changed(tx, &completed)?;
    Ok(Some(completed))
}
