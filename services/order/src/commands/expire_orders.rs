//! Time gives up what is not paid.

use contracts::{
    event::OrderExpired,
    ids::OrderId,
    order::{OrderView, cups},
    time::Timestamp,
};
use db::{DbError, DbResult, Tx, outbox};

use super::{Orders, say_changed};
use crate::{error::OrderError, store};

/// How many orders one look finds.
const ORDERS_PER_LOOK_MAX: u32 = 50;

impl Orders {
    /// Expires every PENDING order whose time is over and that Payment took no money for; Inventory and QR hear of it.
    /// However late Order hears of the money of a paid one, the codes on its receipt must pour. (Money that comes between
    /// the question and the write is late money.)
    ///
    /// # Errors
    /// Why the first of those that could not be decided was not: the next round does.
    pub(crate) async fn expire_unpaid(&self) -> Result<(), OrderError> {
        loop {
            let now = self.clock.now();
            let overdue = self.db.read::<_, DbError, _>(move |tx| store::overdue(tx, now, ORDERS_PER_LOOK_MAX)).await?;
            let is_last = overdue.len() < ORDERS_PER_LOOK_MAX as usize;
            let mut failed = None;
            for order_id in overdue {
                if let Err(error) = self.expire_unless_paid(order_id).await {
                    failed.get_or_insert(error);
                }
            }
            match failed {
                // It is overdue still, and another look would find it again.
                Some(error) => return Err(error),
                None if is_last => return Ok(()),
                None => {}
            }
        }
    }

    async fn expire_unless_paid(&self, order_id: OrderId) -> Result<(), OrderError> {
        self.hear_of_money(order_id).await?;
        let now = self.clock.now();
        let expired = self.db.write::<_, DbError, _>(move |tx| write_expiry(tx, order_id, now)).await?;
        if let Some(order) = expired {
            self.cache_receipt(&order).await;
        }
        Ok(())
    }
}

/// Answers the order where it was still PENDING.
fn write_expiry(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<OrderView>> {
    let Some(order) = store::expire(tx, order_id, now)? else { return Ok(None) };
    outbox::append(tx, &OrderExpired { order_id, order_version: order.version, cups: cups(&order.items) }, now)?;
    say_changed(tx, &order)?;
    Ok(Some(order))
}
