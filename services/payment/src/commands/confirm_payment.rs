//! `POST /api/Payment/{paymentId}/confirm`: the gateway decides, or else a manager's proof.

use access::Caller;
use contracts::{
    ids::PaymentId,
    payment::{ConfirmPayment, PaymentStatus, PaymentView, REFERENCE_CHARS_MAX},
    staff::ApprovableAction,
    text::{self, LineBreaks},
};
use db::{
    Tx,
    idempotency::{self, Answer, IdempotencyKey},
};

use super::{Payments, complete_payment::PaymentProof, gateway_status::GatewayAnswer};
use crate::{error::PaymentError, gateways::ChargeStatus, model::Payment, store};

impl Payments {
    /// Confirms a payment. The response has the current receipt. Without the gateway's word, a manager's counts.
    #[tracing::instrument(level = "debug", skip_all, fields(%payment_id))]
    pub(crate) async fn confirm_payment(
        &self,
        caller: &Caller,
        key: Option<IdempotencyKey>,
        payment_id: PaymentId,
        request: ConfirmPayment,
    ) -> Result<PaymentView, PaymentError> {
        let reference = validate_reference(request)?;
        let find_key = key.clone();
        let find = move |tx: &mut Tx<'_>| {
            let earlier: Option<PaymentView> = idempotency::find_response(tx, find_key.as_ref())?;
            let payment = store::find_payment(tx, payment_id)?.ok_or(PaymentError::UnknownPayment(payment_id))?;
            Ok::<_, PaymentError>((earlier, payment))
        };
        let answer = match self.db.point_read(find).await? {
            (Some(earlier), _) => Answer::Repeated(earlier),
            (None, payment) => {
                let confirmed = self.confirm(caller, payment, reference).await?;
                self.save_response(key, confirmed).await?
            }
        };
        Ok(self.attach_receipt(answer).await)
    }

    async fn confirm(
        &self,
        caller: &Caller,
        payment: Payment,
        reference: Option<String>,
    ) -> Result<Payment, PaymentError> {
        match payment.status {
            PaymentStatus::Paid | PaymentStatus::RefundDue => Ok(payment),
            PaymentStatus::Failed => Err(PaymentError::PaymentFailed(payment.payment_id)),
            PaymentStatus::Pending | PaymentStatus::Expired => {
                self.confirm_unsettled(caller, &payment, reference).await
            }
        }
    }

    async fn confirm_unsettled(
        &self,
        caller: &Caller,
        payment: &Payment,
        reference: Option<String>,
    ) -> Result<Payment, PaymentError> {
        let payment_id = payment.payment_id;
        match self.fetch_charge_status(payment).await {
            GatewayAnswer::Status(ChargeStatus::Paid { at }) => {
                self.record_money(payment, PaymentProof { reference, ..PaymentProof::by_gateway(at) }).await
            }
            GatewayAnswer::Status(ChargeStatus::Failed) => {
                self.apply_charge_status(payment, ChargeStatus::Failed).await?;
                Err(PaymentError::PaymentFailed(payment_id))
            }
            // The gateway's answer overrules a notice that anyone could have written.
            GatewayAnswer::Status(ChargeStatus::Pending | ChargeStatus::Expired) => {
                Err(PaymentError::NotPaidYet(payment_id))
            }
            GatewayAnswer::NoAnswer | GatewayAnswer::NotConfigured => {
                let reference = reference.ok_or(PaymentError::ReferenceRequired(payment_id))?;
                let person = caller.approved_actor(ApprovableAction::ConfirmPayment, payment_id)?;
                tracing::info!(%payment_id, reference, "payment confirmed by hand");
                let paid_at = self.clock.now();
                let proof = PaymentProof { paid_at, reference: Some(reference), confirmed_by: Some(person) };
                self.record_money(payment, proof).await
            }
        }
    }
}

fn validate_reference(request: ConfirmPayment) -> Result<Option<String>, PaymentError> {
    let Some(reference) = request.reference else { return Ok(None) };
    let reference = reference.trim();
    let is_valid = !reference.is_empty()
        && text::check("reference", reference, REFERENCE_CHARS_MAX, LineBreaks::Forbidden).is_ok();
    if is_valid { Ok(Some(reference.to_owned())) } else { Err(PaymentError::InvalidReference) }
}
