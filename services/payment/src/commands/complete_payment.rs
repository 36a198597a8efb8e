//! The money of a QR payment arrived. Every report of it, by the gateway or a person, is written here.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    payment::PaymentStatus,
    time::Timestamp,
};
use db::{DbError, DbResult, Tx, approvals, outbox};
use serde_json::json;

use super::{Payments, count_payments::count_payment};
use crate::{
    error::PaymentError,
    model::{ALREADY_PAID_REASON, Payment},
    store::{self, Claim, TransactionKind},
};

/// The proof that money has arrived.
#[derive(Clone, Debug)]
pub(super) struct PaymentProof {
    pub(super) paid_at: Timestamp,
    /// The bank's reference, if a person confirmed the payment.
    pub(super) reference: Option<String>,
    /// The person who confirmed it by hand. `None`: the gateway reports it.
    pub(super) confirmed_by: Option<Actor>,
}

impl PaymentProof {
    /// The gateway reports it.
    pub(super) fn by_gateway(paid_at: Timestamp) -> Self {
        Self { paid_at, reference: None, confirmed_by: None }
    }
}

/// A payment whose money has arrived.
pub(super) struct CompletedPayment {
    pub(super) payment: Payment,
    /// Whether the money was recorded just now, and not before.
    pub(super) is_new: bool,
}

impl Payments {
    /// Records the money of a QR payment, and shows it on the receipt.
    pub(super) async fn record_money(&self, payment: &Payment, proof: PaymentProof) -> Result<Payment, PaymentError> {
        let (payment, now) = (payment.clone(), self.clock.now());
        let completed = self.db.write(move |tx| complete_payment(tx, &payment, &proof, now)).await?;
        if completed.is_new {
            let Payment { payment_id, order_id, status, method, .. } = &completed.payment;
            count_payment(*status, *method);
            tracing::info!(%payment_id, %order_id, %status, "QRIS money recorded");
            self.put_receipt_payment(&completed.payment.view()).await;
        }
        Ok(completed.payment)
    }
}

/// The first money of an order pays it, even if the order is closed: Order decides whether a closed one takes it. Any
/// further money is REFUND_DUE. Money that was recorded before is not counted again.
pub(super) fn complete_payment(
    tx: &mut Tx<'_>,
    payment: &Payment,
    proof: &PaymentProof,
    now: Timestamp,
) -> Result<CompletedPayment, PaymentError> {
    let Payment { payment_id, order_id, status: before, .. } = *payment;
    let (paid_at, reference, person) = (proof.paid_at, proof.reference.as_deref(), proof.confirmed_by.as_ref());
    let claim = store::claim_order_for_qr(tx, order_id, payment_id)?;
    let recorded = match claim {
        Some(_) => store::mark_paid(tx, payment_id, paid_at, reference, person, now)?,
        None => store::mark_surplus_money(tx, payment_id, ALREADY_PAID_REASON, paid_at, reference, person, now)?,
    };
    let Some(payment) = recorded else {
        if claim.is_some() {
            return Err(PaymentError::ConcurrentChange);
        }
        let payment = store::find_payment(tx, payment_id)?.ok_or(PaymentError::UnknownPayment(payment_id))?;
        return Ok(CompletedPayment { payment, is_new: false });
    };
    store::insert_transaction(tx, &payment, TransactionKind::QrisIn, payment.due, now)?;
    if let Some(person) = person {
        approvals::use_up(tx, person, now)?;
        append_confirmation(tx, person.clone(), before, &payment, now)?;
    }
    if let Some(Claim { cups }) = claim {
        store::expire_pending_of_order(tx, order_id, now)?;
        outbox::append(tx, &payment.completed_event(cups, paid_at), now)?;
    }
    Ok(CompletedPayment { payment, is_new: true })
}

/// Appends to the audit trail that a person confirmed the payment by hand.
fn append_confirmation(
    tx: &mut Tx<'_>,
    person: Actor,
    before: PaymentStatus,
    payment: &Payment,
    now: Timestamp,
) -> DbResult<()> {
    let order = store::find_amount_due(tx, payment.order_id)?;
    let order_number = order.and_then(|order| order.order_number).unwrap_or_default();
    let after = json!({ "status": payment.status, "reference": payment.reference, "due": payment.due.amount() });
    let entry = AuditEntry::new(person, AuditArea::Money, "payment.confirmed", payment.payment_id, order_number, now)
        .with_before(&json!({ "status": before }))
        .and_then(|entry| entry.with_after(&after))
        .map_err(DbError::from)?;
    outbox::append_act(tx, entry)
}
