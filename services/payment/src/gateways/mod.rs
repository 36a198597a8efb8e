//! QRIS gateways: they make QR codes and know whether each was paid.
//!
//! A port, [`QrisGateway`]. `mock` is the only adapter now; Midtrans and Xendit each get a file beside it, and their
//! notifications end in the same `complete_payment` as polling does.

pub(crate) mod emvco;
mod mock;

use std::{sync::Arc, time::Duration};

use contracts::{ids::PaymentId, money::Money, time::Timestamp};
use errors::BoxError;
use futures::future::BoxFuture;

pub use emvco::Merchant;
pub(crate) use mock::MockGateway;

/// Which gateway makes this shop's QR codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrisSettings {
    /// Pays by itself `delay` after a QR code was made (zero: at once). No money moves; receipts are marked TEST.
    Mock {
        /// How long the imaginary guest takes.
        delay: Duration,
    },
}

/// Makes charges, each with a QR code, and knows their status.
pub trait QrisGateway: Send + Sync {
    /// The name that a payment keeps, so that its status is asked of the gateway that made its charge.
    fn name(&self) -> &'static str;

    /// Whether no real money moves.
    fn is_test(&self) -> bool;

    /// Makes a charge. A QR code that is never shown cannot be paid, so a lost answer does no harm.
    fn create<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<CreatedCharge, GatewayError>>;

    /// The status of a charge.
    fn status<'a>(&'a self, charge: &'a ChargeReference) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>>;
}

/// A charge to make.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Our id of it; a gateway takes each once.
    pub payment_id: PaymentId,
    /// The bill number that the guest's app shows.
    pub order_number: String,
    /// How much.
    pub amount: Money,
    /// Who is paid.
    pub merchant: Merchant,
    /// When it is made.
    pub created_at: Timestamp,
}

/// A charge, made.
#[derive(Clone, Debug)]
pub struct CreatedCharge {
    /// The text of the QR code.
    pub payload: String,
    /// The gateway's id of the charge.
    pub reference: String,
    /// When the gateway stops taking money for it.
    pub expires_at: Timestamp,
    /// Whether it is paid already.
    pub is_paid: bool,
}

/// A charge that was made before.
#[derive(Clone, Debug)]
pub struct ChargeReference {
    /// The gateway's id of it.
    pub reference: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the gateway stops taking money for it.
    pub expires_at: Timestamp,
}

/// What a gateway knows of a charge.
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
    /// It can no longer be paid and was not.
    Expired,
}

/// How long a gateway may take to answer: a cashier waits for it.
pub(crate) const GATEWAY_TIMEOUT: Duration = Duration::from_secs(5);

/// A gateway with a timeout.
#[derive(Clone)]
pub(crate) struct GatewayClient {
    gateway: Arc<dyn QrisGateway>,
    timeout: Duration,
}

impl GatewayClient {
    pub(crate) fn new(gateway: Arc<dyn QrisGateway>, timeout: Duration) -> Self {
        Self { gateway, timeout }
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
    pub(crate) async fn create(&self, charge: &Charge) -> Result<CreatedCharge, GatewayError> {
        self.with_timeout(self.gateway.create(charge)).await
    }

    /// [`QrisGateway::status`].
    pub(crate) async fn status(&self, charge: &ChargeReference) -> Result<ChargeStatus, GatewayError> {
        self.with_timeout(self.gateway.status(charge)).await
    }

    async fn with_timeout<T>(&self, call: BoxFuture<'_, Result<T, GatewayError>>) -> Result<T, GatewayError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer,
            Err(_) => Err(GatewayError::Timeout { timeout_ms: self.timeout.as_millis() }),
        }
    }
}

/// The gateway gave no usable answer: it is not known whether the money arrived.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// It did not answer in time.
    #[error("the gateway did not answer in {timeout_ms} ms")]
    Timeout {
        /// How long it had.
        timeout_ms: u128,
    },
    /// It cannot be reached, or its answer cannot be used.
    #[error("the gateway cannot be used")]
    Unavailable(#[source] BoxError),
    /// Another gateway made the charge.
    #[error("{reference} is no charge of this gateway")]
    UnknownCharge {
        /// The charge that was asked for.
        reference: String,
    },
}
