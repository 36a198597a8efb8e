//! OrderRevived: an expired order can be paid again.

use contracts::event::PlacedOrder;
use db::{
    DbResult, Tx,
    inbox::{self, Delivery},
};

use super::Payments;
use crate::{error::PaymentError, model::OrderSnapshot, store};

impl Payments {
    /// Opens an order that was revived. It had expired before, so what was pending until then expires, also if
    /// OrderExpired comes later. If this version of the order is known, what is pending was shown since.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %revived.order_id))]
    pub(crate) async fn reopen_order(&self, delivery: Delivery, revived: PlacedOrder) -> Result<(), PaymentError> {
        let (order, now) = (OrderSnapshot::from_placed_order(&revived)?, self.clock.now());
        let reopen = move |tx: &mut Tx<'_>| {
            inbox::once(tx, delivery, now, |tx| -> DbResult<()> {
                if store::reopen_order(tx, order.order_id, order.order_version)? {
                    store::expire_pending_of_order(tx, order.order_id, now)?;
                }
                store::upsert_amount_due(tx, &order)?;
                Ok(())
            })
        };
        self.db.write_deferred(reopen).await?;
        Ok(())
    }
}
