//! Money came: the one place where a QR's payment becomes PAID, whoever says so.

use contracts::{ids::OrderId, time::Timestamp};
use db::{DbResult, Tx, outbox};

use crate::{
    Payments,
    error::PaymentError,
    model::{Payment, SECOND_MONEY},
    store::{self, Claimed, Movement},
};

/// Why money is believed to have come.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) paid_at: Timestamp,
    /// The bank's number of it, where a person vouches.
    pub(super) reference: Option<String>,
}

impl Proof {
    /// By the gateway's word.
    pub(super) fn at(paid_at: Timestamp) -> Self {
        Self { paid_at, reference: None }
    }
}

/// What a settlement did.
pub(super) struct Settlement {
    /// The payment as it is now.
    pub(super) payment: Payment,
    /// Whether it was this one that changed it.
    pub(super) is_new: bool,
}

impl Payments {
    /// Settles a payment whose money came, and shows it on the receipt.
    pub(super) async fn settle(&self, payment: &Payment, proof: Proof) -> Result<Payment, PaymentError> {
        let (payment, now) = (payment.clone(), self.clock.now());
        let settled = self.db.write(move |tx| settle(tx, &payment, &proof, now)).await?;
        if settled.is_new {
            let Payment { payment_id, order_id, status, .. } = &settled.payment;
            tracing::info!(%payment_id, %order_id, ?status, "money came");
            self.put_on_receipt(&settled.payment.view()).await;
        }
        Ok(settled.payment)
    }
}

/// The first money of an order pays it, open or closed (Order decides whether a closed one takes it); any other is to
/// be given back. Money that came before is not counted again.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    payment: &Payment,
    proof: &Proof,
    now: Timestamp,
) -> Result<Settlement, PaymentError> {
    let Payment { payment_id, order_id, .. } = *payment;
    let claimed = store::claim(tx, order_id, payment_id)?;
    let refund_reason = if claimed.is_some() { None } else { Some(SECOND_MONEY) };
    let moved = store::money_came(tx, payment_id, refund_reason, proof.paid_at, proof.reference.as_deref(), now)?;
    let Some(payment) = moved else {
        if claimed.is_some() {
            return Err(PaymentError::Raced);
        }
        let payment = store::find(tx, payment_id)?.ok_or(PaymentError::UnknownPayment(payment_id))?;
        return Ok(Settlement { payment, is_new: false });
    };
    store::insert_transaction(tx, &payment, Movement::QrisIn, payment.due.minor, now)?;
    if let Some(Claimed { cups }) = claimed {
        store::give_up_pending(tx, order_id, now)?;
        outbox::append(tx, &payment.completed(cups, proof.paid_at), now)?;
    }
    Ok(Settlement { payment, is_new: true })
}

/// An order was closed: what is pending of it is given up, though its late money is still looked for. An older version
/// of the order does nothing.
pub(crate) fn close_order(tx: &mut Tx<'_>, order_id: OrderId, order_version: i64, now: Timestamp) -> DbResult<()> {
    if store::note_closed(tx, order_id, order_version)? {
        store::give_up_pending(tx, order_id, now)?;
    }
    Ok(())
}
