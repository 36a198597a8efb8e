//! PaymentOrphaned: the order does not take this money, so it must be given back, and the order is unpaid again.

use contracts::event::PaymentOrphaned;
use db::{
    DbResult, Tx,
    inbox::{self, Delivery},
};

use super::Payments;
use crate::{error::PaymentError, store};

impl Payments {
    /// Marks the payment REFUND_DUE and takes it off the receipt.
    #[tracing::instrument(level = "debug", skip_all, fields(payment_id = %orphaned.payment_id))]
    pub(crate) async fn orphan_payment(
        &self,
        delivery: Delivery,
        orphaned: PaymentOrphaned,
    ) -> Result<(), PaymentError> {
        let (order_id, now) = (orphaned.order_id, self.clock.now());
        let orphan = move |tx: &mut Tx<'_>| {
            inbox::once(tx, delivery, now, |tx| -> DbResult<()> {
                store::release_claim(tx, orphaned.order_id, orphaned.payment_id)?;
                store::mark_refund_due(tx, orphaned.payment_id, &orphaned.reason, now)?;
                Ok(())
            })
        };
        self.db.write_deferred(orphan).await?;
        self.delete_receipt(order_id).await;
        Ok(())
    }
}
