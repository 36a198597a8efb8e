//! The timer: the gateway is polled about QR payments whose money may still arrive.

use contracts::{payment::PaymentStatus, time::Timestamp};
use errors::chain;
use futures::{StreamExt, stream};

use super::{Payments, gateway_status::GatewayAnswer};
use crate::{
    error::PaymentError,
    model::{self, Payment},
    store,
};

/// How many payments one run polls. More than a shop shows at once; the rest wait for the next run.
const POLLS_PER_RUN_MAX: u32 = 100;
/// How many polls run at once, so that one slow answer does not hold up the others.
const POLLS_AT_ONCE_MAX: usize = 8;

impl Payments {
    /// One run: polls the gateway about the payments that are due, and applies its answers.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn poll_gateway(&self) -> Result<(), PaymentError> {
        let now = self.clock.now();
        let due = self.db.read(move |tx| store::find_due_for_poll(tx, now, POLLS_PER_RUN_MAX)).await?;
        let poll = async |payment: Payment| {
            if let Err(error) = self.poll(&payment).await {
                let payment_id = payment.payment_id;
                tracing::warn!(%payment_id, error = %chain(&error), "poll failed, payment is polled again");
            }
        };
        stream::iter(due).for_each_concurrent(POLLS_AT_ONCE_MAX, poll).await;
        Ok(())
    }

    async fn poll(&self, payment: &Payment) -> Result<(), PaymentError> {
        let (now, shortest) = (self.clock.now(), self.poll_interval);
        match self.fetch_charge_status(payment).await {
            GatewayAnswer::Status(status) => self.apply_charge_status(payment, status).await,
            GatewayAnswer::NoAnswer => {
                let next = model::next_poll_without_answer(payment.status, payment.created_at, now, shortest);
                self.poll_again(payment, next).await
            }
            GatewayAnswer::NotConfigured => {
                let next = model::next_poll(payment.status, payment.created_at, now, shortest);
                self.poll_again(payment, next).await
            }
        }
    }

    /// A gateway that does not answer never makes a payment FAILED. One that is no longer polled leaves it EXPIRED; a
    /// person who finds its money confirms it.
    async fn poll_again(&self, payment: &Payment, next_poll_at: Option<Timestamp>) -> Result<(), PaymentError> {
        let (payment_id, status, now) = (payment.payment_id, payment.status, self.clock.now());
        if next_poll_at.is_none() {
            tracing::warn!(%payment_id, "payment no longer polled: its gateway did not answer for too long");
        }
        self.db
            .write(move |tx| {
                if next_poll_at.is_none() && status.can_transition_to(PaymentStatus::Expired) {
                    store::expire_payment(tx, payment_id, None, now)?;
                } else {
                    store::schedule_poll(tx, payment_id, status, next_poll_at)?;
                }
                Ok(())
            })
            .await
    }
}
