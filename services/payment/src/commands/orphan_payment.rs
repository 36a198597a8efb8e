//! PaymentOrphaned: the order does not exist or takes no money, so this payment must be refunded, and its order is unpaid
//! again.

use contracts::{event::PaymentOrphaned, payment::PaymentStatus};
use db::{
    DbError, Tx,
    inbox::{self, Delivery},
};

use super::{Payments, count_payments::count_payment};
use crate::{error::PaymentError, store};

impl Payments {
    /// Marks the payment REFUND_DUE and takes it off the receipt.
    #[tracing::instrument(level = "debug", skip_all, fields(payment_id = %orphaned.payment_id))]
    pub(crate) async fn orphan_payment(
        &self,
        delivery: Delivery,
        orphaned: PaymentOrphaned,
    ) -> Result<(), PaymentError> {
        let (order_id, payment_id, now) = (orphaned.order_id, orphaned.payment_id, self.clock.now());
        let orphan = move |tx: &mut Tx<'_>| {
            let marked = inbox::once(tx, delivery, now, |tx| {
                store::release_claim(tx, order_id, payment_id)?;
                store::mark_refund_due(tx, payment_id, &orphaned.reason, now)
            })?;
            Ok((marked.flatten(), store::find_payment(tx, payment_id)?))
        };
        let (marked, payment) = self.db.write_deferred::<_, DbError, _>(orphan).await?;
        if let Some(payment) = marked {
            tracing::info!(%payment_id, %order_id, "payment must be refunded");
            count_payment(payment.status, payment.method);
        }
        let refunded = payment.filter(|payment| payment.status == PaymentStatus::RefundDue);
        if let Some(paid_at) = refunded.and_then(|payment| payment.paid_at) {
            self.delete_receipt_payment(order_id, paid_at).await;
        }
        Ok(())
    }
}
