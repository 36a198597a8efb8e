//! What can go wrong with a payment, and the answer that it becomes.

use axum::http::StatusCode;
use contracts::{
    ids::{OrderId, PaymentId},
    money::{Amount, Money, MoneyError},
    payment::{AlreadyPaid, AmountMismatch, InsufficientTender, PaymentMethod, REFERENCE_CHARS_MAX},
};
use db::{DbError, idempotency::IdempotencyError};
use web::Problem;

/// Why nothing was taken, confirmed or answered.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// Order knows no such order.
    #[error("There is no order {0}. Place it with POST /api/Order, then pay it.")]
    UnknownOrder(OrderId),
    /// Order cannot be asked, and Payment has not heard of the order.
    #[error("What order {0} costs cannot be asked now, so nothing was taken. Try again in a moment.")]
    OrderAway(OrderId),
    /// A person gave the order up.
    #[error("Order {order} was cancelled and takes no money. Place a new order.")]
    OrderCancelled {
        /// Its number.
        order: String,
    },
    /// Time gave the order up.
    #[error(
        "Order {order} waited too long for its payment and has expired. Revive it (PATCH /api/Order, status PENDING), then pay it."
    )]
    OrderExpired {
        /// Its number.
        order: String,
    },
    /// The order was given up, one way or the other.
    #[error("Order {order} is closed and takes no money. If it has expired, revive it; else place a new order.")]
    OrderClosed {
        /// Its number.
        order: String,
    },
    /// The order has its money.
    #[error("Order {order} is already paid. Take no more money for it; give back what you took just now.")]
    AlreadyPaid {
        /// Its number.
        order: String,
        /// The payment that paid it, where it is known.
        payment_id: Option<PaymentId>,
    },
    /// The shop does not take it, or it has no gateway.
    #[error("{} cannot be taken now. {}", .method, ways(.working))]
    MethodNotAccepted {
        /// The method asked for.
        method: PaymentMethod,
        /// Those that work.
        working: Vec<PaymentMethod>,
    },
    /// Not the order's total.
    #[error("Order {order} costs {total}, not {sent}. Show the right amount and pay that.")]
    AmountMismatch {
        /// Its number.
        order: String,
        /// What was to be paid.
        sent: Amount,
        /// What is owed.
        total: Money,
    },
    /// An amount that the currency cannot have.
    #[error("{0}. Send amounts that the shop's currency can have.")]
    Money(#[from] MoneyError),
    /// Cash without the sum given.
    #[error("CASH needs tendered, the sum that the guest gave: at least {due}.")]
    TenderedMissing {
        /// What is due, rounded.
        due: Money,
    },
    /// Less cash than is due.
    #[error("{due} is due and the guest gave {tendered}. Ask for {missing} more.", missing = missing.amount())]
    InsufficientTender {
        /// What the guest gave.
        tendered: Money,
        /// What is due, rounded.
        due: Money,
        /// How much more it takes.
        missing: Money,
    },
    /// A sum given, of a payment without cash.
    #[error("tendered is for CASH alone. Leave it out: a QR asks for the exact amount.")]
    TenderedForQris,
    /// A QR for nothing.
    #[error("The order costs nothing, and a QR cannot ask for nothing. Pay it by CASH with tendered 0.")]
    NothingToPay,
    /// No QR could be made, or an earlier one not be asked about.
    #[error(
        "The QRIS gateway does not answer, so no QR can be shown and nothing was charged. Try again in a moment, or take cash."
    )]
    GatewayAway,
    /// No such payment.
    #[error("There is no payment {0}. Look it up with GET /api/Payment/order/(orderId).")]
    UnknownPayment(PaymentId),
    /// The gateway says that the money has not come.
    #[error(
        "The gateway says that the QR of payment {0} is not paid. Ask the guest to pay it, or take another payment for the order."
    )]
    NotPaidYet(PaymentId),
    /// The gateway refused it for good.
    #[error("Payment {0} was refused by the gateway. Start a new payment for the order.")]
    Failed(PaymentId),
    /// The gateway cannot be asked, and there is no other proof.
    #[error(
        "The gateway cannot be asked about payment {0} now. Try again, or confirm it with reference, the number on the bank's notice of this payment."
    )]
    ProofNeeded(PaymentId),
    /// Not a bank's reference.
    #[error(
        "reference is empty, longer than {REFERENCE_CHARS_MAX} characters or not one line of readable text: send the number on the bank's notice."
    )]
    Reference,
    /// Another request changed the same payment at the same instant; nothing was written.
    #[error("The order's payment changed at this very moment. Try again.")]
    Raced,
    /// The idempotency key is another request's.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn ways(working: &[PaymentMethod]) -> String {
    match working {
        [] => "No method works now: the shop's settings must name CASH, or a QRIS gateway be configured.".to_owned(),
        some => format!("Take {}.", some.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")),
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        use PaymentError as E;
        let detail = error.to_string();
        let invalid = |slug, title, detail| Self::new(StatusCode::UNPROCESSABLE_ENTITY, slug, title, detail);
        let away = |slug, title, detail| Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title, detail);
        match error {
            E::UnknownOrder(_) => Self::new(StatusCode::NOT_FOUND, "unknown-order", "No such order", detail),
            E::OrderAway(_) => away("order-away", "The order cannot be asked about", detail),
            E::OrderCancelled { .. } => Self::conflict("order-cancelled", "The order was cancelled", detail),
            E::OrderExpired { .. } => Self::conflict("order-expired", "The order has expired", detail),
            E::OrderClosed { .. } => Self::conflict("order-closed", "The order is closed", detail),
            E::AlreadyPaid { payment_id, .. } => Self::conflict("already-paid", "The order is already paid", detail)
                .with_context(&AlreadyPaid { payment_id }),
            E::MethodNotAccepted { .. } => {
                Self::conflict("method-not-accepted", "The method cannot be taken now", detail)
            }
            E::AmountMismatch { total, .. } => {
                let context = AmountMismatch { total: total.amount(), currency: total.currency };
                Self::conflict("amount-mismatch", "The order costs another amount", detail).with_context(&context)
            }
            E::Money(_) => invalid("invalid-amount", "The amount cannot be", detail),
            E::TenderedMissing { .. } => invalid("tendered-missing", "The sum given is missing", detail),
            E::InsufficientTender { due, missing, .. } => {
                let context = InsufficientTender { due: due.amount(), missing: missing.amount() };
                invalid("insufficient-tender", "Too little was given", detail).with_context(&context)
            }
            E::TenderedForQris => invalid("tendered-for-qris", "A QR takes no cash", detail),
            E::NothingToPay => invalid("nothing-to-pay", "There is nothing to pay", detail),
            E::GatewayAway => away("gateway-away", "The gateway does not answer", detail),
            E::UnknownPayment(_) => Self::new(StatusCode::NOT_FOUND, "payment-not-found", "No such payment", detail),
            E::NotPaidYet(_) => Self::conflict("not-paid-yet", "Not paid yet", detail),
            E::Failed(_) => Self::conflict("payment-failed", "The payment failed", detail),
            E::ProofNeeded(_) => Self::conflict("proof-needed", "The gateway cannot be asked", detail),
            E::Reference => invalid("invalid-reference", "Not a reference", detail),
            E::Raced => away("try-again", "Changed at this moment", detail),
            E::Idempotency(error) => error.into(),
            E::Db(error) => error.into(),
        }
    }
}
