//! `PATCH /api/Order/{orderId}`: staff make it READY, hand it over, revive it, or write a name or a table on it.

use contracts::{
    ids::OrderId,
    order::{CUSTOMER_CHARS_MAX, ChangeOrder, OrderStatus, OrderView, TABLE_CHARS_MAX},
    time::Timestamp,
};
use db::Tx;

use super::{Orders, complete_order, say_changed};
use crate::{error::OrderError, model, store};

impl Orders {
    /// Changes an order and answers it.
    ///
    /// # Errors
    /// [`OrderError`]: nothing was changed.
    pub(crate) async fn change(&self, order_id: OrderId, change: ChangeOrder) -> Result<OrderView, OrderError> {
        model::check_text("customerName", change.customer_name.as_deref(), CUSTOMER_CHARS_MAX)?;
        model::check_text("table", change.table.as_deref(), TABLE_CHARS_MAX)?;

        let order = match change.status {
            // Asks Inventory first, so it cannot share a write with the texts.
            Some(OrderStatus::Pending) => {
                let revived = self.revive(order_id).await?;
                let texts = ChangeOrder { status: None, ..change };
                if is_text(&texts) {
                    let now = self.clock.now();
                    self.db.write(move |tx| write_change(tx, order_id, &texts, now)).await?
                } else {
                    revived
                }
            }
            _ => {
                if matches!(change.status, Some(OrderStatus::Ready | OrderStatus::Completed)) {
                    self.hear_of_money(order_id).await?;
                }
                let now = self.clock.now();
                self.db.write(move |tx| write_change(tx, order_id, &change, now)).await?
            }
        };
        self.cache_receipt(&order).await;
        Ok(order)
    }
}

fn is_text(change: &ChangeOrder) -> bool {
    change.customer_name.is_some() || change.table.is_some()
}

fn write_change(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    change: &ChangeOrder,
    now: Timestamp,
) -> Result<OrderView, OrderError> {
    if is_text(change) {
        let trimmed = |text: &Option<String>| text.as_deref().map(str::trim).map(str::to_owned);
        let (customer_name, table) = (trimmed(&change.customer_name), trimmed(&change.table));
        let renamed = store::rename(tx, order_id, customer_name.as_deref(), table.as_deref(), now)?;
        say_changed(tx, &renamed.ok_or(OrderError::Unknown(order_id))?)?;
    }
    if let Some(status) = change.status {
        move_to(tx, order_id, status, now)?;
    }
    store::find(tx, order_id)?.ok_or(OrderError::Unknown(order_id))
}

fn move_to(tx: &mut Tx<'_>, order_id: OrderId, to: OrderStatus, now: Timestamp) -> Result<(), OrderError> {
    let moved = match to {
        OrderStatus::Ready => {
            let ready = store::make_ready(tx, order_id, now)?;
            ready.map(|order| say_changed(tx, &order)).transpose()?
        }
        OrderStatus::Completed => {
            // Its row is held from here on, so that a cup that comes under review meanwhile comes before or after.
            let completed = complete_order::complete(tx, order_id, now)?;
            if let Some(order) = completed.as_ref().filter(|order| model::is_in_review(order)) {
                return Err(OrderError::InReview(order.order_number.clone()));
            }
            completed.map(drop)
        }
        OrderStatus::Processing => {
            return Err(OrderError::NotByHand("PROCESSING", "Take the payment with POST /api/Payment."));
        }
        OrderStatus::Cancelled => return Err(OrderError::NotByHand("CANCELLED", "Cancel the order with DELETE.")),
        OrderStatus::Expired => return Err(OrderError::NotByHand("EXPIRED", "Cancel the order with DELETE.")),
        OrderStatus::Pending => return Err(OrderError::NotByHand("PENDING", "Revive an expired order.")),
    };
    match moved {
        Some(()) => Ok(()),
        None => {
            let from = store::find(tx, order_id)?.ok_or(OrderError::Unknown(order_id))?.status;
            // It is there already: whoever lost the answer may ask again.
            if from == to { Ok(()) } else { Err(OrderError::Illegal { from, to }) }
        }
    }
}
