//! OrderCancelled and OrderExpired: the order takes no money from now on.

use contracts::ids::OrderId;
use db::{
    DbResult, Tx,
    inbox::{self, Delivery},
};

use super::Payments;
use crate::{error::PaymentError, store};

impl Payments {
    /// Closes an order, unless a newer version of it is known. Its pending QR payment expires, and is still
    /// polled because money may arrive late.
    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    pub(crate) async fn close_order(
        &self,
        delivery: Delivery,
        order_id: OrderId,
        order_version: i64,
    ) -> Result<(), PaymentError> {
        let now = self.clock.now();
        let close = move |tx: &mut Tx<'_>| {
            inbox::once(tx, delivery, now, |tx| -> DbResult<()> {
                if store::close_order(tx, order_id, order_version)? {
                    store::expire_pending_of_order(tx, order_id, now)?;
                }
                Ok(())
            })
        };
        self.db.write_deferred(close).await?;
        Ok(())
    }
}
