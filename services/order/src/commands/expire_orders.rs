//! Time gives up what is not paid.

use contracts::{event::OrderExpired, order::cups};
use db::{DbError, outbox};

use super::{Orders, say_changed};
use crate::store;

/// One transaction's worth: short enough that a payment never waits for it.
const ORDERS_PER_BATCH_MAX: u32 = 50;

impl Orders {
    /// Expires every PENDING order whose time is over; Inventory and QR hear of it.
    ///
    /// # Errors
    /// Where the database did not take it: the next round does.
    pub(crate) async fn expire_unpaid(&self) -> Result<(), DbError> {
        loop {
            let now = self.clock.now();
            let expired = self
                .db
                .write(move |tx| {
                    let orders = store::expire(tx, now, ORDERS_PER_BATCH_MAX)?;
                    for order in &orders {
                        let cups = cups(&order.items);
                        let event = OrderExpired { order_id: order.order_id, order_version: order.version, cups };
                        outbox::append(tx, &event, now)?;
                        say_changed(tx, order)?;
                    }
                    Ok::<_, DbError>(orders)
                })
                .await?;
            for order in &expired {
                self.cache_receipt(order).await;
            }
            if expired.len() < ORDERS_PER_BATCH_MAX as usize {
                return Ok(());
            }
        }
    }
}
