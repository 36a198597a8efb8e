//! `PATCH /api/Order/{orderId}`: staff make an order READY, hand it over, revive it, or write a name or a table on it.

use contracts::{
    audit::Actor,
    ids::OrderId,
    order::{CUSTOMER_CHARS_MAX, ChangeOrder, OrderStatus, OrderTransition, OrderView, TABLE_CHARS_MAX},
    time::Timestamp,
};
use db::{DbResult, Tx};
use serde_json::json;

use super::{
    Orders, append_order_act, append_order_changed,
    complete_order::{append_completed, complete},
};
use crate::{
    error::OrderError,
    model::{self, Order},
    store,
};

impl Orders {
    /// Changes an order. Setting a status that the order already has changes nothing.
    ///
    /// # Errors
    /// [`OrderError`]: nothing was changed.
    #[tracing::instrument(name = "change_order", level = "debug", skip(self, actor, change))]
    pub(crate) async fn change_order(
        &self,
        actor: Actor,
        order_id: OrderId,
        change: ChangeOrder,
    ) -> Result<OrderView, OrderError> {
        model::check_text("customerName", change.customer_name.as_deref(), CUSTOMER_CHARS_MAX)?;
        model::check_text("table", change.table.as_deref(), TABLE_CHARS_MAX)?;

        let change = match change.status {
            // A revival asks Inventory first, so it cannot share a transaction with the texts.
            Some(OrderStatus::Pending) => {
                let revived = self.revive_order(actor.clone(), order_id).await?;
                self.cache_receipt(&revived).await;
                if !has_texts(&change) {
                    return Ok(revived);
                }
                ChangeOrder { status: None, ..change }
            }
            Some(OrderStatus::Ready | OrderStatus::Completed) => {
                self.record_payment_if_taken(order_id).await?;
                change
            }
            _ => change,
        };
        let now = self.clock.now();
        let order = self.db.write(move |tx| write_change(tx, &actor, order_id, &change, now)).await?;
        self.cache_receipt(&order).await;
        Ok(order)
    }
}

fn has_texts(change: &ChangeOrder) -> bool {
    change.customer_name.is_some() || change.table.is_some()
}

fn write_change(
    tx: &mut Tx<'_>,
    actor: &Actor,
    order_id: OrderId,
    change: &ChangeOrder,
    now: Timestamp,
) -> Result<OrderView, OrderError> {
    if has_texts(change) {
        let trimmed = |text: &Option<String>| text.as_deref().map(str::trim).map(str::to_owned);
        let (customer_name, table) = (trimmed(&change.customer_name), trimmed(&change.table));
        let renamed = store::rename_order(tx, order_id, customer_name.as_deref(), table.as_deref(), now)?;
        append_order_changed(tx, renamed.ok_or(OrderError::UnknownOrder(order_id))?)?;
    }
    if let Some(status) = change.status {
        set_status(tx, actor, order_id, status, now)?;
    }
    let order = store::find_order(tx, order_id)?.ok_or(OrderError::UnknownOrder(order_id))?;
    Ok(OrderView::from(order))
}

fn set_status(
    tx: &mut Tx<'_>,
    actor: &Actor,
    order_id: OrderId,
    to: OrderStatus,
    now: Timestamp,
) -> Result<(), OrderError> {
    let not_settable = |advice| Err(OrderError::StatusNotSettable(to, advice));
    let moved = match to {
        OrderStatus::Ready => {
            let ready = store::transition_order(tx, order_id, OrderTransition::MakeReady, now)?;
            ready.map(|order| append_order_changed(tx, order)).transpose()?
        }
        OrderStatus::Completed => {
            // The row is locked from here on: a cup cannot go into review between the check and the change.
            let completed = complete(tx, order_id, now)?;
            if let Some(order) = completed.as_ref().filter(|order| order.is_in_review()) {
                return Err(OrderError::CupInReview(order.header.order_number.clone()));
            }
            completed.map(|order| hand_over(tx, actor, order, now)).transpose()?
        }
        OrderStatus::Processing => return not_settable("Take the payment with POST /api/Payment."),
        OrderStatus::Cancelled | OrderStatus::Expired => return not_settable("Cancel the order with DELETE."),
        OrderStatus::Pending => return not_settable("Revive an expired order."),
    };
    if moved.is_some() {
        return Ok(());
    }
    let from = store::find_order(tx, order_id)?.ok_or(OrderError::UnknownOrder(order_id))?.header.status;
    // A client that lost the answer may ask again.
    if from == to { Ok(()) } else { Err(OrderError::IllegalTransition { from, to }) }
}

/// Staff handed the order over. Cups that no machine poured are in the audit trail: their guest got them from staff.
fn hand_over(tx: &mut Tx<'_>, actor: &Actor, order: Order, now: Timestamp) -> DbResult<OrderView> {
    let unpoured = order.unpoured_cups();
    if unpoured > 0 {
        let change = (json!({ "unpouredCups": unpoured }), json!({ "status": OrderStatus::Completed }));
        append_order_act(tx, actor.clone(), "order.handed-over", &order.header, change, now)?;
    }
    append_completed(tx, order, now)
}
