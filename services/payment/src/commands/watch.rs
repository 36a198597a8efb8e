//! The clock's work: gateways are asked about QRs that may still be paid.

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
        match self.ask(payment).await {
            Word::Says(word) => self.act_on(payment, word).await,
            Word::Silent | Word::NobodyToAsk => self.ask_later(payment).await,
        }
    }

    /// A gateway that is away means "pending", never "failed".
    async fn ask_later(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (payment_id, status) = (payment.payment_id, payment.status);
        let now = self.clock.now();
        let next = model::next_check_after_silence(status, payment.created_at, now, self.check_every);
        self.db.write(move |tx| store::set_next_check(tx, payment_id, status, Some(next))).await?;
        Ok(())
    }
}
