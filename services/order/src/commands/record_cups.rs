//! CodesIssued, DispenseCompleted and DispenseFailed: the status of an order's cups.

use contracts::{ids::OrderId, order::OrderView, qr::CodeView, time::Timestamp};
use db::{
    DbError, DbResult, Tx,
    inbox::{self, Delivery},
};

use super::{Orders, complete_order::append_changed_and_complete_if_poured};
use crate::store::{self, CupChange};

impl Orders {
    /// Records the cups of an order as QR published them. If machines have poured the last one, the order is complete.
    ///
    /// # Errors
    /// [`DbError`]: the event comes again.
    #[tracing::instrument(name = "record_cups", level = "debug", skip_all)]
    pub(crate) async fn record_cups(&self, delivery: Delivery, cups: Vec<CodeView>) -> Result<(), DbError> {
        let now = self.clock.now();
        let record = move |tx: &mut Tx<'_>| inbox::once(tx, delivery, now, |tx| write_cups(tx, &cups, now));
        if let Some(order) = self.db.write_deferred(record).await?.flatten() {
            self.cache_receipt(&order).await;
        }
        Ok(())
    }
}

/// Returns the order if the change is visible in it.
fn write_cups(tx: &mut Tx<'_>, cups: &[CodeView], now: Timestamp) -> DbResult<Option<OrderView>> {
    let mut changed: Option<OrderId> = None;
    for cup in cups {
        if store::upsert_cup(tx, cup)? == CupChange::Visible {
            changed = Some(cup.order_id);
        }
    }
    let Some(order_id) = changed else { return Ok(None) };
    let Some(order) = store::bump_version(tx, order_id, now)? else { return Ok(None) };
    append_changed_and_complete_if_poured(tx, order, now).map(Some)
}
