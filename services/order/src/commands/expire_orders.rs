//! Time gives up what is not paid.

use contracts::{
    event::OrderExpired,
    ids::OrderId,
    order::{OrderView, cups},
    time::Micros,
};
use db::{DbError, DbResult, Tx, outbox};

use super::{Orders, say_changed};
use crate::{error::OrderError, store};

/// How many orders one look finds, and one transaction gives up: short enough that a payment never waits for it.
const ORDERS_PER_BATCH_MAX: u32 = 50;

impl Orders {
    /// Expires every PENDING order whose time is over and that Payment took no money for; Inventory and QR hear of it.
    /// A paid one must not: the codes on its receipt would be void, however late Order hears of the money.
    ///
    /// # Errors
    /// Where Payment cannot be asked, or the database did not take it: the next round does.
    pub(crate) async fn expire_unpaid(&self) -> Result<(), OrderError> {
        loop {
            let now = self.clock.now();
            let overdue = self.db.read(move |tx| store::overdue(tx, now, ORDERS_PER_BATCH_MAX)).await?;
            if overdue.is_empty() {
                return Ok(());
            }
            for order_id in &overdue {
                self.hear_of_money(*order_id).await?;
            }
            let expired = self.db.write::<_, DbError, _>(move |tx| expire_each(tx, &overdue, now)).await?;
            for order in &expired {
                self.cache_receipt(order).await;
            }
        }
    }
}

/// Answers those that were still PENDING.
fn expire_each(tx: &mut Tx<'_>, overdue: &[OrderId], now: Micros) -> DbResult<Vec<OrderView>> {
    let mut expired = Vec::new();
    for order_id in overdue {
        let Some(order) = store::expire(tx, *order_id, now)? else { continue };
        let event = OrderExpired { order_id: *order_id, order_version: order.version, cups: cups(&order.items) };
        outbox::append(tx, &event, now)?;
        say_changed(tx, &order)?;
        expired.push(order);
    }
    Ok(expired)
}
