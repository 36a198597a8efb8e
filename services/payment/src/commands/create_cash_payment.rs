//! `POST /api/Payment` with CASH: one write decides whether this money pays the order (steps 16 to 18).

use contracts::{
    audit::Actor,
    ids::PaymentId,
    payment::{PaymentStatus, PaymentView},
    time::Timestamp,
};
use db::{
    Tx,
    idempotency::{self, Answer, IdempotencyKey},
    outbox,
};

use super::{Payments, count_payments::count_payment, gateway_status::OrderQrs};
use crate::{
    error::PaymentError,
    model::{CashPayment, OrderSnapshot, Payment},
    store::{self, TransactionKind},
};

impl Payments {
    pub(super) async fn create_cash_payment(
        &self,
        taken_by: Actor,
        key: Option<IdempotencyKey>,
        order: OrderSnapshot,
        cash: CashPayment,
        unsettled: &[Payment],
    ) -> Result<Answer<PaymentView>, PaymentError> {
        self.refuse_if_paid_by_qr(&order, unsettled).await?;
        let now = self.clock.now();
        let payment = Payment::cash(PaymentId::new(now), &order, &cash, taken_by, now);
        let create = move |tx: &mut Tx<'_>| {
            idempotency::once(tx, key.as_ref(), now, |tx| {
                if !store::claim_order(tx, &order, payment.payment_id, now)? {
                    return Err(refusal(tx, &order, now)?);
                }
                store::expire_pending_of_order(tx, order.order_id, now)?;
                if !store::insert_payment(tx, &payment)? {
                    return Err(PaymentError::ConcurrentChange);
                }
                store::insert_transaction(tx, &payment, TransactionKind::CashIn, cash.tendered, now)?;
                if cash.change.minor > 0 {
                    store::insert_transaction(tx, &payment, TransactionKind::ChangeOut, cash.change, now)?;
                }
                outbox::append(tx, &payment.completed_event(order.cups, now), now)?;
                Ok(payment.view())
            })
        };
        let answer = self.db.write(create).await?;
        if let Answer::First(payment) = &answer {
            count_payment(payment.status, payment.method);
        }
        Ok(answer)
    }

    /// The guest may have paid a QR code on the way to the till. A gateway that does not answer does not keep the
    /// cashier from taking cash: late money is then given back.
    async fn refuse_if_paid_by_qr(&self, order: &OrderSnapshot, unsettled: &[Payment]) -> Result<(), PaymentError> {
        match self.check_qrs_of_order(unsettled, order).await? {
            OrderQrs::MoneyArrived(paid) if paid.status == PaymentStatus::Paid => {
                let order = order.order_number.clone();
                Err(PaymentError::AlreadyPaid { order, payment_id: Some(paid.payment_id) })
            }
            OrderQrs::MoneyArrived(_) | OrderQrs::Payable(_) | OrderQrs::NonePayable | OrderQrs::Unknown => Ok(()),
        }
    }
}

/// Why the order was not claimed.
fn refusal(tx: &mut Tx<'_>, order: &OrderSnapshot, now: Timestamp) -> Result<PaymentError, PaymentError> {
    let row = store::find_amount_due(tx, order.order_id)?;
    let refused = row.and_then(|row| row.require_open(&order.order_number, now).err());
    Ok(refused.unwrap_or(PaymentError::ConcurrentChange))
}
