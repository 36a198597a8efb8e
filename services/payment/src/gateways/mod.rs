//! QRIS gateways: who makes a QR and knows whether it was paid.
//!
//! A port, [`QrisGateway`]. `mock` is the only adapter now; Midtrans and Xendit each get a file beside it, and their
//! notifications end in the same `settle` as the clock's questions do.

pub(crate) mod emvco;
mod mock;

use std::{sync::Arc, time::Duration};

use contracts::{ids::PaymentId, money::Money, time::Timestamp};
use futures::future::BoxFuture;

pub use emvco::Merchant;
pub(crate) use mock::Mock;

/// Which gateway makes this shop's QRs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrisSettings {
    /// Pays by itself `delay` after a QR was made (zero: at once). No money moves; receipts say TEST.
    Mock {
        /// How long a pretended guest takes.
        delay: Duration,
    },
}

/// Makes QRs and says what became of them.
pub trait QrisGateway: Send + Sync {
    /// The name that a payment keeps, so that it is asked about where it was made.
    fn name(&self) -> &'static str;

    /// Whether no real money moves.
    fn is_test(&self) -> bool;

    /// Makes a QR. One that is never shown cannot be paid, so an answer that gets lost does no harm.
    fn create<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Created, GatewayAway>>;

    /// What became of a QR.
    fn status<'a>(&'a self, issued: &'a Issued) -> BoxFuture<'a, Result<ChargeStatus, GatewayAway>>;
}

/// What a guest is asked for.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Our name for it; a gateway takes each once.
    pub payment_id: PaymentId,
    /// What the guest's app shows as the bill.
    pub order_number: String,
    /// How much.
    pub amount: Money,
    /// Who is paid.
    pub merchant: Merchant,
    /// When.
    pub created_at: Timestamp,
}

/// A QR, made.
#[derive(Clone, Debug)]
pub struct Created {
    /// What the QR holds.
    pub payload: String,
    /// The gateway's name for it.
    pub reference: String,
    /// When the gateway stops taking it.
    pub expires_at: Timestamp,
    /// Whether it is paid already.
    pub is_paid: bool,
}

/// A QR that was made before.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The gateway's name for it.
    pub reference: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the gateway stops taking it.
    pub expires_at: Timestamp,
}

/// What a gateway says of a QR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeStatus {
    /// It can be paid.
    Pending,
    /// It was paid.
    Paid {
        /// When.
        at: Timestamp,
    },
    /// It was refused, for good.
    Failed,
    /// Its time is over and it was not paid.
    Expired,
}

/// How long a gateway may take to answer. A cashier waits for it.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A gateway as commands know it: it answers in time, or is away.
#[derive(Clone)]
pub(crate) struct Timely {
    gateway: Arc<dyn QrisGateway>,
    answer_max: Duration,
}

impl Timely {
    pub(crate) fn new(gateway: Arc<dyn QrisGateway>, answer_max: Duration) -> Self {
        Self { gateway, answer_max }
    }

    /// [`QrisGateway::name`].
    pub(crate) fn name(&self) -> &'static str {
        self.gateway.name()
    }

    /// [`QrisGateway::is_test`].
    pub(crate) fn is_test(&self) -> bool {
        self.gateway.is_test()
    }

    /// [`QrisGateway::create`].
    pub(crate) async fn create(&self, charge: &Charge) -> Result<Created, GatewayAway> {
        self.in_time(self.gateway.create(charge)).await
    }

    /// [`QrisGateway::status`].
    pub(crate) async fn status(&self, issued: &Issued) -> Result<ChargeStatus, GatewayAway> {
        self.in_time(self.gateway.status(issued)).await
    }

    async fn in_time<T>(&self, answer: BoxFuture<'_, Result<T, GatewayAway>>) -> Result<T, GatewayAway> {
        let too_late = |_| Err(GatewayAway(format!("nothing came in {} ms", self.answer_max.as_millis())));
        tokio::time::timeout(self.answer_max, answer).await.unwrap_or_else(too_late)
    }
}

/// The gateway did not answer, which says nothing about the money.
#[derive(Debug, thiserror::Error)]
#[error("the gateway does not answer: {0}")]
pub struct GatewayAway(pub String);
