//! `DELETE /api/Order/{orderId}`: a person cancels an unpaid order.

use contracts::{
    event::OrderCancelled,
    ids::OrderId,
    order::{OrderStatus, OrderView},
    time::Timestamp,
};
use db::{Tx, outbox};

use super::{
    Orders, append_order_changed,
    fetch_payment::{ClosePermit, Closing},
};
use crate::{error::OrderError, store};

impl Orders {
    /// Cancels an order. An order that is cancelled already is returned unchanged.
    ///
    /// # Errors
    /// `IllegalTransition` if it is paid or closed otherwise; `PaymentUnavailable` if Payment cannot confirm that
    /// the order is unpaid.
    #[tracing::instrument(name = "cancel_order", level = "debug", skip(self, reason))]
    pub(crate) async fn cancel_order(&self, order_id: OrderId, reason: String) -> Result<OrderView, OrderError> {
        let permit = match self.begin_closing(order_id).await? {
            Closing::Permitted(permit) => permit,
            Closing::NotPending => return self.get_if_cancelled(order_id).await,
        };
        let now = self.clock.now();
        let cancelled = self.db.write(move |tx| write_cancellation(tx, order_id, &permit, &reason, now)).await?;
        let Some(order) = cancelled else { return self.get_if_cancelled(order_id).await };
        metrics::counter!("orders_cancelled_total").increment(1);
        self.cache_receipt(&order).await;
        Ok(order)
    }

    async fn get_if_cancelled(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        let order = self.get_order(order_id).await?;
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
    reason: &str,
    now: Timestamp,
) -> Result<Option<OrderView>, OrderError> {
    permit.check()?;
    let Some(order) = store::cancel_order(tx, order_id, permit.order_version, reason, now)? else { return Ok(None) };
    let (order_version, cups, reason) = (order.header.version, order.cups(), reason.to_owned());
    outbox::append(tx, &OrderCancelled { order_id, order_version, cups, reason }, now)?;
    Ok(Some(append_order_changed(tx, order)?))
}
