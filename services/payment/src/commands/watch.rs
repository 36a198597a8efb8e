//! The clock's work: gateways are asked about QRs that may still be paid.

use contracts::{payment::PaymentStatus, time::Timestamp};
use futures::{StreamExt, stream};

use super::ask::Word;
use crate::{Payments, error::PaymentError, model, model::Payment, store};

/// How many QRs one pass asks about. More than a shop shows at once; the rest wait for the next pass.
const CHECKS_PER_PASS_MAX: u32 = 100;
/// How many questions are under way at once, so that one slow answer does not hold the others.
const CHECKS_AT_ONCE_MAX: usize = 8;

impl Payments {
    /// One pass: asks about the QRs that are due for it, and acts on what the gateways say.
    pub(crate) async fn check_due(&self) -> Result<(), PaymentError> {
        let now = self.clock.now();
        let due = self.db.read(move |tx| store::due_for_check(tx, now, CHECKS_PER_PASS_MAX)).await?;
        let check = async |payment: Payment| {
            if let Err(error) = self.check(&payment).await {
                tracing::warn!(payment_id = %payment.payment_id, %error, "the payment is asked about again");
            }
        };
        stream::iter(due).for_each_concurrent(CHECKS_AT_ONCE_MAX, check).await;
        Ok(())
    }

    async fn check(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (now, shortest) = (self.clock.now(), self.check_every);
        match self.ask(payment).await {
            Word::Says(word) => self.act_on(payment, word).await,
            Word::Silent => {
                let next = model::next_check_after_silence(payment.status, payment.created_at, now, shortest);
                self.ask_later(payment, next).await
            }
            Word::NobodyToAsk => {
                let next = model::next_check(payment.status, payment.created_at, now, shortest);
                self.ask_later(payment, next).await
            }
        }
    }

    /// A gateway that is away means "pending", never "failed". One that will not be asked any more leaves the QR given
    /// up; a person who finds its money confirms it.
    async fn ask_later(&self, payment: &Payment, next: Option<Timestamp>) -> Result<(), PaymentError> {
        let (payment_id, status) = (payment.payment_id, payment.status);
        let now = self.clock.now();
        if next.is_none() {
            tracing::warn!(%payment_id, "a QR is not asked about any more: its gateway did not answer for too long");
        }
        self.db
            .write(move |tx| {
                if next.is_none() && status == PaymentStatus::Pending {
                    store::transition(tx, payment_id, status, PaymentStatus::Expired, None, now)?;
                } else {
                    store::set_next_check(tx, payment_id, status, next)?;
                }
                Ok(())
            })
            .await
    }
}
