//! `DELETE /api/Order/{orderId}`: a person cancels an unpaid order.

use access::Caller;
use contracts::{
    audit::Actor,
    event::OrderCancelled,
    ids::OrderId,
    order::{OrderStatus, OrderView},
    time::Timestamp,
};
use db::{Tx, outbox};
use serde_json::json;

use super::{
    Orders, append_order_act, append_order_changed,
    fetch_payment::{ClosePermit, Closing},
};
use crate::{error::OrderError, model::Viewer, store};

impl Orders {
    /// Cancels an order: a kiosk only its own. An order that is cancelled already is returned unchanged.
    ///
    /// # Errors
    /// `IllegalTransition` if it is paid or closed otherwise; `PaymentUnavailable` if Payment cannot confirm that
    /// the order is unpaid.
    #[tracing::instrument(name = "cancel_order", level = "debug", skip(self, caller, reason))]
    pub(crate) async fn cancel_order(
        &self,
        caller: &Caller,
        order_id: OrderId,
        reason: String,
    ) -> Result<OrderView, OrderError> {
        self.check_visible(Viewer::from(caller), order_id).await?;
        let permit = match self.begin_closing(order_id).await? {
            Closing::Permitted(permit) => permit,
            Closing::NotPending => return self.get_if_cancelled(order_id).await,
        };
        let (actor, now) = (caller.actor(), self.clock.now());
        let write = move |tx: &mut Tx<'_>| write_cancellation(tx, order_id, &permit, &actor, &reason, now);
        let cancelled = self.db.write(write).await?;
        let Some(order) = cancelled else { return self.get_if_cancelled(order_id).await };
        metrics::counter!("orders_cancelled_total").increment(1);
        self.cache_receipt(&order).await;
        Ok(order)
    }

    async fn get_if_cancelled(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        let order = self.get_order(Viewer::Shop, order_id).await?;
        match order.status {
            OrderStatus::Cancelled => Ok(order),
            OrderStatus::Pending => Err(OrderError::ChangedConcurrently(order.order_number)),
            from => Err(OrderError::IllegalTransition { from, to: OrderStatus::Cancelled }),
        }
    }
}

/// Returns the cancelled order. `None`: it changed since Payment was asked.
fn write_cancellation(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    permit: &ClosePermit,
    actor: &Actor,
    reason: &str,
    now: Timestamp,
) -> Result<Option<OrderView>, OrderError> {
    permit.check()?;
    let Some(order) = store::cancel_order(tx, order_id, permit.order_version, reason, now)? else { return Ok(None) };
    let (order_version, cups, reason) = (order.header.version, order.cups(), reason.to_owned());
    let change = (json!({ "status": OrderStatus::Pending }), json!({ "status": OrderStatus::Cancelled }));
    append_order_act(tx, actor.clone(), "order.cancelled", &order.header, change, now)?;
    outbox::append(tx, &OrderCancelled { order_id, order_version, cups, reason }, now)?;
    Ok(Some(append_order_changed(tx, order)?))
}
