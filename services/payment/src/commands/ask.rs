//! Asks the gateway about QRs, and acts on its word.

use contracts::payment::PaymentStatus;
use futures::future::join_all;

use super::settle::Proof;
use crate::{
    Payments,
    error::PaymentError,
    gateways::ChargeStatus,
    model::{self, OrderDue, Payment},
    store,
};

/// A gateway's word about one QR.
pub(super) enum Word {
    /// It answered.
    Says(ChargeStatus),
    /// It did not, which says nothing about the money.
    Silent,
    /// The gateway that made the QR is not configured any more.
    NobodyToAsk,
}

/// What became of an order's QRs.
pub(super) enum Asked {
    /// The money of one had come, and is now settled.
    Settled(Payment),
    /// Nobody paid, and this one can be shown again.
    StillPayable(Payment),
    /// Nobody paid, and none can be shown again.
    NothingPayable,
    /// Not all could be asked about.
    Away,
}

impl Payments {
    /// Asks the gateway about one QR.
    pub(super) async fn ask(&self, payment: &Payment) -> Word {
        let Some((qr, issued)) = payment.qr.as_ref().zip(payment.issued()) else { return Word::NobodyToAsk };
        let Some(gateway) = self.gateway.as_ref().filter(|gateway| gateway.name() == qr.gateway) else {
            return Word::NobodyToAsk;
        };
        match gateway.status(&issued).await {
            Ok(status) => Word::Says(status),
            Err(error) => {
                tracing::warn!(payment_id = %payment.payment_id, %error, "the payment stays as it is");
                Word::Silent
            }
        }
    }

    /// Asks about every QR of an order, all at once: one that was shown cannot be taken back, so none is shown, and no
    /// cash taken, before the earlier ones are known.
    pub(super) async fn ask_about(&self, unsettled: &[Payment], due: &OrderDue) -> Result<Asked, PaymentError> {
        let mut asked = Asked::NothingPayable;
        let words = join_all(unsettled.iter().map(|payment| self.ask(payment))).await;
        for (payment, word) in unsettled.iter().zip(words) {
            match word {
                Word::Says(ChargeStatus::Paid { at }) => {
                    let settled = self.settle(payment, Proof { paid_at: at, reference: None }).await?;
                    return Ok(Asked::Settled(settled));
                }
                Word::Says(ChargeStatus::Pending) if payment.still_asks_for(due, self.clock.now()) => {
                    if matches!(asked, Asked::NothingPayable) {
                        asked = Asked::StillPayable(payment.clone());
                    }
                }
                Word::Says(word) => self.act_on(payment, word).await?,
                Word::Silent => asked = Asked::Away,
                // Its late money, should a person find it, is confirmed by hand.
                Word::NobodyToAsk => {}
            }
        }
        Ok(asked)
    }

    /// Acts on a gateway's word about a QR.
    pub(super) async fn act_on(&self, payment: &Payment, word: ChargeStatus) -> Result<(), PaymentError> {
        let (payment_id, status, created_at) = (payment.payment_id, payment.status, payment.created_at);
        let (now, shortest) = (self.clock.now(), self.check_every);
        let next_check_at = model::next_check(status, created_at, now, shortest);
        let next_if_given_up = model::next_check(PaymentStatus::Expired, created_at, now, shortest);
        let gives_up = match word {
            ChargeStatus::Paid { at } => {
                return self.settle(payment, Proof { paid_at: at, reference: None }).await.map(|_| ());
            }
            ChargeStatus::Failed => return self.fail(payment).await,
            ChargeStatus::Expired => status == PaymentStatus::Pending,
            ChargeStatus::Pending => status == PaymentStatus::Pending && next_check_at.is_none(),
        };
        self.db
            .write(move |tx| {
                if gives_up {
                    store::transition(tx, payment_id, status, PaymentStatus::Expired, next_if_given_up, now)?;
                } else {
                    store::set_next_check(tx, payment_id, status, next_check_at)?;
                }
                Ok(())
            })
            .await
    }

    /// The gateway refused a QR for good: it is not asked about again.
    async fn fail(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (payment_id, status, now) = (payment.payment_id, payment.status, self.clock.now());
        self.db
            .write(move |tx| {
                if status.can_transition_to(PaymentStatus::Failed) {
                    store::transition(tx, payment_id, status, PaymentStatus::Failed, None, now)?;
                } else {
                    store::set_next_check(tx, payment_id, status, None)?;
                }
                Ok(())
            })
            .await
    }
}
