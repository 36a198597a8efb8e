//! What can be done with payments: one file for each use case.

mod attach_receipt;
mod begin_closing_order;
mod close_order;
mod complete_payment;
mod confirm_payment;
mod count_payments;
mod create_cash_payment;
mod create_payment;
mod create_qris_payment;
mod gateway_status;
mod get_payment;
mod list_payments;
mod orphan_payment;
mod poll_gateway;
mod record_amount_due;
mod reopen_order;

use std::{sync::Arc, time::Duration};

use cache::Cache;
use clock::Clock;
use contracts::payment::PaymentView;
use db::{
    Db,
    idempotency::{self, Answer, IdempotencyKey},
};
use host::{ServiceContext, SharedShopRules};
use web::ServiceClient;

use crate::{error::PaymentError, gateways::GatewayClient, model::Payment};

/// Payments, and what can be done with them.
#[derive(Clone)]
pub(crate) struct Payments {
    db: Db,
    gateway: Option<GatewayClient>,
    order: ServiceClient,
    cache: Arc<dyn Cache>,
    clock: Clock,
    shop: SharedShopRules,
    poll_interval: Duration,
}

impl Payments {
    pub(crate) fn new(
        db: Db,
        context: &ServiceContext,
        gateway: Option<GatewayClient>,
        poll_interval: Duration,
    ) -> Self {
        Self {
            db,
            gateway,
            order: context.services.client("order"),
            cache: Arc::clone(&context.cache),
            clock: context.clock.clone(),
            shop: context.shop.clone(),
            poll_interval,
        }
    }

    /// Returns `payment`, and saves the response under `key`.
    async fn save_response(
        &self,
        key: Option<IdempotencyKey>,
        payment: Payment,
    ) -> Result<Answer<PaymentView>, PaymentError> {
        let Some(key) = key else { return Ok(Answer::First(payment.view())) };
        let now = self.clock.now();
        self.db.write(move |tx| idempotency::once(tx, Some(&key), now, |_| Ok(payment.view()))).await
    }
}
