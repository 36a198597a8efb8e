//! Asks the gateway for the status of QR payments, and applies its answer.

use contracts::payment::PaymentStatus;
use errors::chain;
use futures::future::join_all;

use super::{Payments, complete_payment::PaymentProof};
use crate::{
    error::PaymentError,
    gateways::ChargeStatus,
    model::{self, OrderSnapshot, Payment},
    store,
};

/// The result of asking the gateway about one QR payment.
pub(super) enum GatewayAnswer {
    /// Its charge's status.
    Status(ChargeStatus),
    /// The gateway did not answer: it is not known whether the money arrived.
    NoAnswer,
    /// The gateway that made the charge is no longer configured.
    NotConfigured,
}

/// The state of an order's QR payments, from the gateway.
pub(super) enum OrderQrs {
    /// The money of this one had arrived and is now recorded.
    MoneyArrived(Payment),
    /// No money arrived, and this QR code can be shown again.
    Payable(Payment),
    /// No money arrived, and no QR code can be shown again.
    NonePayable,
    /// The gateway did not answer about each.
    Unknown,
}

impl Payments {
    /// Asks the gateway for the status of a QR payment.
    pub(super) async fn fetch_charge_status(&self, payment: &Payment) -> GatewayAnswer {
        let Some((qr, charge)) = payment.qr.as_ref().zip(payment.charge_reference()) else {
            return GatewayAnswer::NotConfigured;
        };
        let Some(gateway) = self.gateway.as_ref().filter(|gateway| gateway.name() == qr.gateway) else {
            return GatewayAnswer::NotConfigured;
        };
        match gateway.status(&charge).await {
            Ok(status) => GatewayAnswer::Status(status),
            Err(error) => {
                tracing::warn!(payment_id = %payment.payment_id, error = %chain(&error), "charge status not known");
                GatewayAnswer::NoAnswer
            }
        }
    }

    /// Checks every QR payment of an order, all at once. A QR code that was shown cannot be taken back, so no other is
    /// shown and no cash is taken before the earlier ones are known.
    pub(super) async fn check_qrs_of_order(
        &self,
        unsettled: &[Payment],
        order: &OrderSnapshot,
    ) -> Result<OrderQrs, PaymentError> {
        let mut state = OrderQrs::NonePayable;
        let answers = join_all(unsettled.iter().map(|payment| self.fetch_charge_status(payment))).await;
        for (payment, answer) in unsettled.iter().zip(answers) {
            match answer {
                GatewayAnswer::Status(ChargeStatus::Paid { at }) => {
                    let recorded = self.record_money(payment, PaymentProof::by_gateway(at)).await?;
                    return Ok(OrderQrs::MoneyArrived(recorded));
                }
                GatewayAnswer::Status(ChargeStatus::Pending) if payment.can_be_shown_for(order, self.clock.now()) => {
                    if matches!(state, OrderQrs::NonePayable) {
                        state = OrderQrs::Payable(payment.clone());
                    }
                }
                GatewayAnswer::Status(status) => self.apply_charge_status(payment, status).await?,
                GatewayAnswer::NoAnswer => state = OrderQrs::Unknown,
                // If a person finds its late money, it is confirmed by hand.
                GatewayAnswer::NotConfigured => {}
            }
        }
        Ok(state)
    }

    /// Applies the gateway's answer to a QR payment.
    pub(super) async fn apply_charge_status(
        &self,
        payment: &Payment,
        status: ChargeStatus,
    ) -> Result<(), PaymentError> {
        match status {
            ChargeStatus::Paid { at } => self.record_money(payment, PaymentProof::by_gateway(at)).await.map(|_| ()),
            ChargeStatus::Failed => self.fail(payment).await,
            ChargeStatus::Expired => self.expire(payment).await,
            ChargeStatus::Pending => self.poll_later(payment).await,
        }
    }

    /// The QR code can no longer be paid, but a payment may still be under way.
    async fn expire(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (payment_id, status, now) = (payment.payment_id, payment.status, self.clock.now());
        let next_poll_at = model::next_poll(PaymentStatus::Expired, payment.created_at, now, self.poll_interval);
        self.db
            .write(move |tx| {
                if status.can_transition_to(PaymentStatus::Expired) {
                    store::expire_payment(tx, payment_id, next_poll_at, now)?;
                } else {
                    store::schedule_poll(tx, payment_id, status, next_poll_at)?;
                }
                Ok(())
            })
            .await
    }

    /// It is polled again, unless it is too old: then it expires.
    async fn poll_later(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (payment_id, status) = (payment.payment_id, payment.status);
        let next_poll_at = model::next_poll(status, payment.created_at, self.clock.now(), self.poll_interval);
        if next_poll_at.is_none() {
            return self.expire(payment).await;
        }
        self.db.write(move |tx| Ok(store::schedule_poll(tx, payment_id, status, next_poll_at)?)).await
    }

    /// The gateway refused it for good, so it is not polled again.
    async fn fail(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (payment_id, status, now) = (payment.payment_id, payment.status, self.clock.now());
        self.db
            .write(move |tx| {
                if status.can_transition_to(PaymentStatus::Failed) {
                    store::fail_payment(tx, payment_id, now)?;
                } else {
                    store::schedule_poll(tx, payment_id, status, None)?;
                }
                Ok(())
            })
            .await
    }
}
