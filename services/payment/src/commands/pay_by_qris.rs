//! `POST /api/Payment` with QRIS: one QR on the screen, and never two that a guest could pay.

use contracts::{ids::PaymentId, payment::PaymentStatus};
use db::{
    DbError,
    idempotency::{self, IdempotencyKey},
};

use super::{
    Answer,
    ask::Asked,
    settle::{Proof, settle},
};
use crate::{
    Payments,
    error::PaymentError,
    gateways::{Charge, Merchant},
    model::{self, OrderDue, Payment},
    store,
};

impl Payments {
    /// Shows a QR for `due`: the one that was shown before if it can still be paid, else a new one.
    pub(super) async fn show_qr(
        &self,
        key: Option<IdempotencyKey>,
        due: OrderDue,
        unsettled: Vec<Payment>,
    ) -> Result<Answer, PaymentError> {
        match self.ask_about(&unsettled, &due).await? {
            Asked::Away => Err(PaymentError::GatewayAway),
            Asked::Settled(paid) if paid.status == PaymentStatus::Paid => self.answer(key, paid).await,
            Asked::Settled(_) => Err(PaymentError::AlreadyPaid { order: due.order_number, payment_id: None }),
            Asked::StillPayable(payment) => self.show_again(key, due, payment).await,
            Asked::NothingPayable => self.show_new(key, due, &unsettled).await,
        }
    }

    /// The QR of an order that was revived is given up no longer.
    async fn show_again(
        &self,
        key: Option<IdempotencyKey>,
        due: OrderDue,
        shown: Payment,
    ) -> Result<Answer, PaymentError> {
        let now = self.clock.now();
        let next_check_at = Some(now + self.check_every);
        let write = move |tx: &mut db::Tx<'_>| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok(Answer::replay(earlier));
            }
            store::note_due(tx, &due, true, None)?.must_take_money(&due, None)?;
            let view = match shown.status {
                PaymentStatus::Pending => shown.view(),
                from => store::transition(tx, shown.payment_id, from, PaymentStatus::Pending, next_check_at, now)?
                    .ok_or(PaymentError::Raced)?
                    .view(),
            };
            idempotency::save_response(tx, key.as_ref(), &view, now)?;
            Ok(Answer::new(view))
        };
        match self.db.write(write).await {
            // Another tablet shows a newer one meanwhile.
            Err(PaymentError::Db(DbError::Unique { .. })) => Err(PaymentError::Raced),
            answer => answer,
        }
    }

    /// The QR is made before it is written down: one that was never shown cannot be paid, while one that was shown and
    /// forgotten could.
    async fn show_new(
        &self,
        key: Option<IdempotencyKey>,
        due: OrderDue,
        unsettled: &[Payment],
    ) -> Result<Answer, PaymentError> {
        let gateway = self.gateway.as_ref().ok_or(PaymentError::GatewayAway)?;
        let now = self.clock.now();
        let charge = self.charge(&due);
        let created = gateway.create(&charge).await.map_err(|error| {
            tracing::warn!(order_id = %due.order_id, %error, "no QR was made");
            PaymentError::GatewayAway
        })?;
        let is_paid = created.is_paid;
        let mut payment = Payment::qris(&due, &charge, created, gateway.name(), gateway.is_test());
        payment.next_check_at = model::next_check(PaymentStatus::Pending, charge.created_at, now, self.check_every);
        let replaced: Vec<PaymentId> = pending(unsettled).map(|earlier| earlier.payment_id).collect();

        let write = move |tx: &mut db::Tx<'_>| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok(Answer::replay(earlier));
            }
            store::note_due(tx, &due, true, None)?.must_take_money(&due, None)?;
            for earlier in &replaced {
                store::transition(tx, *earlier, PaymentStatus::Pending, PaymentStatus::Expired, Some(now), now)?;
            }
            if !store::insert_payment(tx, &payment)? {
                return Err(PaymentError::Raced);
            }
            let shown = if is_paid { settle(tx, &payment, &Proof::at(now), now)?.payment } else { payment.clone() };
            let view = shown.view();
            idempotency::save_response(tx, key.as_ref(), &view, now)?;
            Ok(Answer::new(view))
        };
        self.db.write(write).await
    }

    fn charge(&self, due: &OrderDue) -> Charge {
        let (shop, now) = (self.shop.current(), self.clock.now());
        let settings = shop.settings();
        Charge {
            payment_id: PaymentId::new(now),
            order_number: due.order_number.clone(),
            amount: due.total,
            merchant: Merchant::of(&settings.name, &settings.address),
            created_at: now,
        }
    }
}

fn pending(payments: &[Payment]) -> impl Iterator<Item = &Payment> {
    payments.iter().filter(|payment| payment.status == PaymentStatus::Pending)
}
