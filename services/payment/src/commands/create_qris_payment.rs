//! `POST /api/Payment` with QRIS: one QR code on the screen, and never two that a guest could pay.

use contracts::{
    audit::Actor,
    ids::PaymentId,
    payment::{PaymentStatus, PaymentView},
    time::Timestamp,
};
use db::{
    DbError, Tx,
    idempotency::{self, Answer, IdempotencyKey},
};
use errors::chain;

use super::{
    Payments,
    complete_payment::{PaymentProof, complete_payment},
    count_payments::count_payment,
    gateway_status::OrderQrs,
};
use crate::{
    error::PaymentError,
    gateways::{Charge, Merchant},
    model::{self, OrderSnapshot, Payment},
    store,
};

impl Payments {
    /// Returns a QR code for `order`: the one that was shown before if it can still be paid, else a new one.
    pub(super) async fn create_qris_payment(
        &self,
        taken_by: Actor,
        key: Option<IdempotencyKey>,
        order: OrderSnapshot,
        unsettled: Vec<Payment>,
    ) -> Result<Answer<PaymentView>, PaymentError> {
        match self.check_qrs_of_order(&unsettled, &order).await? {
            OrderQrs::Unknown => Err(PaymentError::GatewayUnavailable),
            OrderQrs::MoneyArrived(paid) if paid.status == PaymentStatus::Paid => self.save_response(key, paid).await,
            OrderQrs::MoneyArrived(_) => Err(PaymentError::AlreadyPaid { order: order.order_number, payment_id: None }),
            OrderQrs::Payable(payment) => self.show_qr_again(key, order, payment).await,
            OrderQrs::NonePayable => self.show_new_qr(taken_by, key, order, &unsettled).await,
        }
    }

    /// An EXPIRED payment of an order that was revived becomes PENDING again.
    async fn show_qr_again(
        &self,
        key: Option<IdempotencyKey>,
        order: OrderSnapshot,
        shown: Payment,
    ) -> Result<Answer<PaymentView>, PaymentError> {
        let now = self.clock.now();
        let next_poll_at = now + self.poll_interval;
        let show = move |tx: &mut Tx<'_>| {
            idempotency::once(tx, key.as_ref(), now, |tx| {
                require_open(tx, &order, now)?;
                if shown.status == PaymentStatus::Pending {
                    return Ok(shown.view());
                }
                let reopened = store::reopen_payment(tx, shown.payment_id, next_poll_at, now)?;
                reopened.map(|payment| payment.view()).ok_or(PaymentError::ConcurrentChange)
            })
        };
        match self.db.write(show).await {
            // Another tablet shows a newer QR code meanwhile.
            Err(PaymentError::Db(DbError::Unique { .. })) => Err(PaymentError::ConcurrentChange),
            answer => answer,
        }
    }

    /// The gateway makes the charge before the payment is written: a QR code that was never shown cannot be paid, but
    /// one that was shown and not written could.
    async fn show_new_qr(
        &self,
        taken_by: Actor,
        key: Option<IdempotencyKey>,
        order: OrderSnapshot,
        unsettled: &[Payment],
    ) -> Result<Answer<PaymentView>, PaymentError> {
        let gateway = self.gateway.as_ref().ok_or(PaymentError::GatewayUnavailable)?;
        let charge = self.charge_for(&order);
        let created = gateway.create(&charge).await.map_err(|error| {
            tracing::warn!(order_id = %order.order_id, error = %chain(&error), "QRIS charge not created");
            PaymentError::ChargeNotCreated(error)
        })?;
        let now = self.clock.now();
        let is_paid = created.is_paid;
        let mut payment = Payment::qris(&order, &charge, created, gateway.name(), gateway.is_test(), taken_by);
        payment.next_poll_at = model::next_poll(PaymentStatus::Pending, charge.created_at, now, self.poll_interval);
        let replaced: Vec<PaymentId> = pending(unsettled).map(|earlier| earlier.payment_id).collect();

        let show = move |tx: &mut Tx<'_>| {
            idempotency::once(tx, key.as_ref(), now, |tx| {
                require_open(tx, &order, now)?;
                for earlier in &replaced {
                    store::expire_payment(tx, *earlier, Some(now), now)?;
                }
                if !store::insert_payment(tx, &payment)? {
                    return Err(PaymentError::ConcurrentChange);
                }
                if is_paid {
                    let completed = complete_payment(tx, &payment, &PaymentProof::by_gateway(now), now)?;
                    return Ok(completed.payment.view());
                }
                Ok(payment.view())
            })
        };
        let answer = self.db.write::<_, PaymentError, _>(show).await?;
        if let Answer::First(payment) = &answer {
            count_payment(payment.status, payment.method);
        }
        Ok(answer)
    }

    fn charge_for(&self, order: &OrderSnapshot) -> Charge {
        let (shop, now) = (self.shop.current(), self.clock.now());
        let settings = shop.settings();
        Charge {
            payment_id: PaymentId::new(now),
            order_number: order.order_number.clone(),
            amount: order.total,
            merchant: Merchant::of(&settings.name, &settings.address),
            created_at: now,
        }
    }
}

/// Records the order, which locks its row, and refuses if it is paid, closed or being closed.
fn require_open(tx: &mut Tx<'_>, order: &OrderSnapshot, now: Timestamp) -> Result<(), PaymentError> {
    store::upsert_amount_due(tx, order)?.require_open(&order.order_number, now)
}

fn pending(payments: &[Payment]) -> impl Iterator<Item = &Payment> {
    payments.iter().filter(|payment| payment.status == PaymentStatus::Pending)
}
