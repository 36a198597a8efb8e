//! Expires the orders that were not paid in time. Runs every second.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use contracts::{event::OrderExpired, ids::OrderId, order::OrderView, time::Timestamp};
use db::{DbError, Tx, outbox};

use super::{
    Orders, append_order_changed,
    fetch_payment::{ClosePermit, Closing},
};
use crate::{
    error::OrderError,
    store::{self, OverdueCursor},
};

/// How many orders one query finds.
const ORDERS_PER_PAGE: u32 = 50;
/// A longer run ends, and the next run continues after it. Each response of Payment may be slow.
const RUN_TIME_MAX: Duration = Duration::from_secs(5);
/// A deadline this much later than a new order's was set by a clock that ran ahead.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

impl Orders {
    /// Expires every unpaid PENDING order whose deadline has passed. If Payment is unavailable for one order, that order
    /// stays PENDING, the run continues with the others, and a later run repeats it.
    ///
    /// # Errors
    /// The first error of an order, after the run has tried the others.
    #[tracing::instrument(name = "expire_unpaid_orders", level = "debug", skip_all)]
    pub(crate) async fn expire_unpaid_orders(&self) -> Result<(), OrderError> {
        let mut first_error = self.shorten_far_deadlines().await.err();
        let run_ends_at = Instant::now() + RUN_TIME_MAX;
        let mut after = self.take_expiry_cursor();
        'run: loop {
            let overdue = self.list_overdue(after).await?;
            for &(expires_at, order_id) in &overdue {
                if Instant::now() >= run_ends_at {
                    self.keep_expiry_cursor(after);
                    break 'run;
                }
                after = Some((expires_at, order_id));
                if let Err(error) = self.expire_unless_paid(order_id).await {
                    first_error.get_or_insert(error);
                }
            }
            if overdue.len() < ORDERS_PER_PAGE as usize {
                break 'run;
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Takes the position from which this run continues. The next run starts from the beginning, unless a position is
    /// saved again.
    fn take_expiry_cursor(&self) -> Option<OverdueCursor> {
        self.expiry_cursor.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep_expiry_cursor(&self, after: Option<OverdueCursor>) {
        *self.expiry_cursor.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }

    async fn list_overdue(&self, after: Option<OverdueCursor>) -> Result<Vec<OverdueCursor>, DbError> {
        let now = self.clock.now();
        self.db.read(move |tx| store::list_overdue(tx, after, now, ORDERS_PER_PAGE)).await
    }

    /// Shortens deadlines that are later than that of a new order: a clock that ran ahead and was set back has left
    /// them. They become the deadline of a new order.
    async fn shorten_far_deadlines(&self) -> Result<(), OrderError> {
        let now = self.clock.now();
        let expires_at = now + self.shop.current().unpaid_order_ttl();
        let latest = expires_at + CLOCK_TOLERANCE;
        let far = self.db.read(move |tx| store::list_far_deadlines(tx, latest, ORDERS_PER_PAGE)).await;
        for order_id in far.map_err(|error: DbError| OrderError::from(error))? {
            let shorten = move |tx: &mut Tx<'_>| {
                let order = store::shorten_deadline(tx, order_id, expires_at, now)?;
                order.map(|order| append_order_changed(tx, order)).transpose()
            };
            let shortened: Option<OrderView> = self.db.write::<_, DbError, _>(shorten).await?;
            if let Some(order) = shortened {
                tracing::warn!(%order_id, "deadline shortened: the clock ran ahead when it was set");
                self.cache_receipt(&order).await;
            }
        }
        Ok(())
    }

    async fn expire_unless_paid(&self, order_id: OrderId) -> Result<(), OrderError> {
        let Closing::Permitted(permit) = self.begin_closing(order_id).await? else { return Ok(()) };
        let now = self.clock.now();
        if let Some(order) = self.db.write(move |tx| write_expiry(tx, order_id, &permit, now)).await? {
            metrics::counter!("orders_expired_total").increment(1);
            self.cache_receipt(&order).await;
        }
        Ok(())
    }
}

/// Returns the expired order. `None`: it changed after Payment was asked; the next run decides.
fn write_expiry(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    permit: &ClosePermit,
    now: Timestamp,
) -> Result<Option<OrderView>, OrderError> {
    permit.check()?;
    let Some(order) = store::expire_order(tx, order_id, permit.order_version, now)? else { return Ok(None) };
    let event = OrderExpired { order_id, order_version: order.header.version, cups: order.cups() };
    outbox::append(tx, &event, now)?;
    Ok(Some(append_order_changed(tx, order)?))
}
