//! `POST /api/Payment/{paymentId}/confirm`: did the money come? The gateway is asked first, then a manager's proof.

use contracts::{
    ids::PaymentId,
    payment::{ConfirmPayment, PaymentStatus, PaymentView, REFERENCE_CHARS_MAX},
    text::{self, LineBreaks},
};
use db::idempotency::{self, IdempotencyKey};

use super::{Answer, ask::Word, settle::Proof};
use crate::{Payments, error::PaymentError, gateways::ChargeStatus, model::Payment, store};

impl Payments {
    /// Confirms a payment. The answer has the receipt as it then stands.
    pub(crate) async fn confirm(
        &self,
        key: Option<IdempotencyKey>,
        payment_id: PaymentId,
        request: ConfirmPayment,
    ) -> Result<PaymentView, PaymentError> {
        let reference = proof_of(request)?;
        let replay_key = key.clone();
        let read = move |tx: &mut db::Tx<'_>| {
            let earlier: Option<PaymentView> = idempotency::find_response(tx, replay_key.as_ref())?;
            let payment = store::find(tx, payment_id)?.ok_or(PaymentError::UnknownPayment(payment_id))?;
            Ok::<_, PaymentError>((earlier, payment))
        };
        let answer = match self.db.point_read(read).await? {
            (Some(earlier), _) => Answer::replay(earlier),
            (None, payment) => self.confirmed(key, payment, reference).await?,
        };
        Ok(self.with_receipt(answer).await)
    }

    async fn confirmed(
        &self,
        key: Option<IdempotencyKey>,
        payment: Payment,
        reference: Option<String>,
    ) -> Result<Answer, PaymentError> {
        let settled = match payment.status {
            PaymentStatus::Paid | PaymentStatus::RefundDue => payment,
            PaymentStatus::Failed => return Err(PaymentError::Failed(payment.payment_id)),
            PaymentStatus::Pending | PaymentStatus::Expired => self.settle_with_proof(&payment, reference).await?,
        };
        self.answer(key, settled).await
    }

    async fn settle_with_proof(&self, payment: &Payment, reference: Option<String>) -> Result<Payment, PaymentError> {
        let payment_id = payment.payment_id;
        match self.ask(payment).await {
            Word::Says(ChargeStatus::Paid { at }) => self.settle(payment, Proof { paid_at: at, reference }).await,
            Word::Says(ChargeStatus::Failed) => {
                self.act_on(payment, ChargeStatus::Failed).await?;
                Err(PaymentError::Failed(payment_id))
            }
            // The gateway's word stands against a notice that anyone could have written.
            Word::Says(ChargeStatus::Pending | ChargeStatus::Expired) => Err(PaymentError::NotPaidYet(payment_id)),
            Word::Silent | Word::NobodyToAsk => {
                // Whoever may vouch for money is checked here: a manager or the owner, once there is sign-in.
                let reference = reference.ok_or(PaymentError::ProofNeeded(payment_id))?;
                tracing::info!(%payment_id, reference, "a person vouches for the money");
                let proof = Proof { paid_at: self.clock.now(), reference: Some(reference) };
                self.settle(payment, proof).await
            }
        }
    }
}

fn proof_of(request: ConfirmPayment) -> Result<Option<String>, PaymentError> {
    let Some(reference) = request.reference else { return Ok(None) };
    let reference = reference.trim();
    let fits = !reference.is_empty()
        && text::check("reference", reference, REFERENCE_CHARS_MAX, LineBreaks::Forbidden).is_ok();
    if fits { Ok(Some(reference.to_owned())) } else { Err(PaymentError::Reference) }
}
