//! `DELETE /api/Order/{orderId}`: a person gives an unpaid order up.

use contracts::{
    event::OrderCancelled,
    ids::OrderId,
    order::{OrderStatus, OrderView, cups},
    time::Timestamp,
};
use db::{Tx, outbox};

use super::{Orders, say_changed};
use crate::{error::OrderError, store};

impl Orders {
    /// Cancels an order. Cancelling it again answers it as it is.
    ///
    /// # Errors
    /// [`OrderError::Illegal`] for one that is paid or closed otherwise; [`OrderError::PaymentAway`] while nobody can
    /// say whether it is paid.
    pub(crate) async fn cancel(&self, order_id: OrderId, reason: String) -> Result<OrderView, OrderError> {
        self.hear_of_money(order_id).await?;
        let now = self.clock.now();
        let order = self.db.write(move |tx| write_cancellation(tx, order_id, &reason, now)).await?;
        self.cache_receipt(&order).await;
        Ok(order)
    }
}

fn write_cancellation(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    reason: &str,
    now: Timestamp,
) -> Result<OrderView, OrderError> {
    let Some(order) = store::cancel(tx, order_id, reason, now)? else {
        let order = store::find(tx, order_id)?.ok_or(OrderError::Unknown(order_id))?;
        return match order.status {
            OrderStatus::Cancelled => Ok(order),
            from => Err(OrderError::Illegal { from, to: OrderStatus::Cancelled }),
        };
    };
    let (order_version, cups, reason) = (order.version, cups(&order.items), reason.to_owned());
    let event = OrderCancelled { order_id, order_version, cups, reason };
    outbox::append(tx, &event, now)?;
    say_changed(tx, &order)?;
    Ok(order)
}
