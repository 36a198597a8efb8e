//! Why a payment is refused, and the problem that each refusal becomes.

use access::NotApproved;
use axum::http::StatusCode;
use contracts::{
    ids::{OrderId, PaymentId},
    money::{Amount, Money, MoneyError},
    payment::{AlreadyPaid, AmountMismatch, CHANGE_MINOR_MAX, InsufficientTender, PaymentMethod, REFERENCE_CHARS_MAX},
};
use db::{DbError, approvals::ApprovalError, idempotency::IdempotencyError};
use web::{CallError, Problem};

use crate::gateways::GatewayError;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// Order has no such order.
    #[error("There is no order {0}. Place it with POST /api/Order, then pay it.")]
    UnknownOrder(OrderId),
    /// Order is unavailable, and no event recorded what the order costs.
    #[error("What order {0} costs is not known at the moment, so nothing was taken. Try again in a moment.")]
    OrderUnavailable(OrderId, #[source] CallError),
    /// A person cancelled the order.
    #[error("Order {order} was cancelled and takes no money. Place a new order.")]
    OrderCancelled {
        /// Its number.
        order: String,
    },
    /// The order was not paid in time.
    #[error(
        "Order {order} was not paid in time and has expired. Revive it (PATCH /api/Order, status PENDING), then pay it."
    )]
    OrderExpired {
        /// Its number.
        order: String,
    },
    /// The order was cancelled or has expired.
    #[error("Order {order} is closed and takes no money. If it has expired, revive it; else place a new order.")]
    OrderClosed {
        /// Its number.
        order: String,
    },
    /// Order is about to cancel or expire the order.
    #[error(
        "Order {order} is being cancelled or expires at this moment, and takes no money. Look at it again in a few seconds, and pay it if it is still PENDING."
    )]
    OrderClosing {
        /// Its number.
        order: String,
    },
    /// The order is paid.
    #[error("Order {order} is already paid. Take no more money for it; give back what you took just now.")]
    AlreadyPaid {
        /// Its number.
        order: String,
        /// The payment that paid it, if it is known.
        payment_id: Option<PaymentId>,
    },
    /// The shop does not accept the method, or it has no gateway.
    #[error("{} cannot be taken now. {}", .method, alternatives(.available))]
    MethodNotAccepted {
        /// The method of the request.
        method: PaymentMethod,
        /// The methods that work.
        available: Vec<PaymentMethod>,
    },
    /// A kiosk cannot take cash.
    #[error("Cash is taken at the counter. Pay by QRIS here, or show the order's number at the counter.")]
    CashAtKiosk,
    /// The amount is not the order's total.
    #[error("Order {order} costs {total}, not {sent}. Show the right amount and pay that.")]
    AmountMismatch {
        /// Its number.
        order: String,
        /// The amount of the request.
        sent: Amount,
        /// The order's total.
        total: Money,
    },
    /// An amount that the currency cannot have.
    #[error("The amount cannot be paid. Send amounts that the shop's currency can have.")]
    Money(#[from] MoneyError),
    /// CASH without tendered.
    #[error("CASH needs tendered, the sum that the guest gave: at least {due}.")]
    MissingTender {
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
        /// How much more is needed.
        missing: Money,
    },
    /// More cash than anyone gives.
    #[error("{due} is due and tendered is {tendered}: no till gives more than {max} of change. Correct the sum that the guest gave.", max = change_max(.due))]
    ExcessiveTender {
        /// What the request names.
        tendered: Money,
        /// What is due, rounded.
        due: Money,
    },
    /// QRIS with tendered.
    #[error("tendered is for CASH alone. Leave it out: a QR code asks for the exact amount.")]
    TenderNotAllowed,
    /// A QR code for nothing.
    #[error("The order costs nothing, and a QR code cannot ask for nothing. Pay it by CASH with tendered 0.")]
    NothingToPay,
    /// The gateway did not make a QR code.
    #[error(
        "The QRIS gateway does not answer, so no QR code can be shown and nothing was charged. Try again in a moment, or take cash."
    )]
    ChargeNotCreated(#[source] GatewayError),
    /// An earlier QR code of the order may be paid, and its gateway does not answer.
    #[error(
        "The QRIS gateway does not answer, so no QR code can be shown and nothing was charged. Try again in a moment, or take cash."
    )]
    GatewayUnavailable,
    /// No such payment.
    #[error("There is no payment {0}. Look it up with GET /api/Payment/order/(orderId).")]
    UnknownPayment(PaymentId),
    /// The gateway answers that the money has not arrived.
    #[error(
        "The gateway answers that the QR code of payment {0} is not paid. Ask the guest to pay it, or take another payment for the order."
    )]
    NotPaidYet(PaymentId),
    /// The gateway refused the payment for good.
    #[error("Payment {0} was refused by the gateway. Start a new payment for the order.")]
    PaymentFailed(PaymentId),
    /// The gateway does not answer, and there is no other proof.
    #[error(
        "The gateway does not answer about payment {0} now. Try again, or confirm it with reference, the number on the bank's notice of this payment."
    )]
    ReferenceRequired(PaymentId),
    /// The gateway does not answer, and only a manager's word counts instead of its.
    #[error("the payment was not confirmed")]
    NotApproved(#[from] NotApproved),
    /// No order has this version once it is closed.
    #[error("orderVersion is {0}; an order that is closed has version 2 or later. Send the version it will have.")]
    InvalidClosing(i64),
    /// Not a bank's reference.
    #[error(
        "reference is empty, longer than {REFERENCE_CHARS_MAX} characters or not one line of readable text: send the number on the bank's notice."
    )]
    InvalidReference,
    /// Another request changed the payments of the order at the same time; nothing was written.
    #[error("The order's payments changed at this very moment. Try again.")]
    ConcurrentChange,
    /// A manager's approval does not count.
    #[error("the approval cannot be used")]
    Approval(#[from] ApprovalError),
    /// The idempotency key is another request's.
    #[error("the idempotency key cannot be used")]
    Idempotency(#[from] IdempotencyError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
}

fn change_max(due: &Money) -> Money {
    Money::new(CHANGE_MINOR_MAX, due.currency)
}

fn alternatives(available: &[PaymentMethod]) -> String {
    match available {
        [] => "No method works now: the shop's settings must name CASH, or a QRIS gateway be configured.".to_owned(),
        some => format!("Take {}.", some.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")),
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        use PaymentError as E;
        let detail = error.to_string();
        let invalid = |slug, title, detail| Self::new(StatusCode::UNPROCESSABLE_ENTITY, slug, title, detail);
        let unavailable = |slug, title, detail| Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title, detail);
        match error {
            E::UnknownOrder(_) => Self::new(StatusCode::NOT_FOUND, "unknown-order", "No such order", detail),
            E::OrderUnavailable(_, cause) => {
                unavailable("order-unavailable", "The order's total is not known", detail).caused_by(cause)
            }
            E::OrderCancelled { .. } => Self::conflict("order-cancelled", "The order was cancelled", detail),
            E::OrderExpired { .. } => Self::conflict("order-expired", "The order has expired", detail),
            E::OrderClosed { .. } => Self::conflict("order-closed", "The order is closed", detail),
            E::OrderClosing { .. } => Self::conflict("order-closing", "The order is being closed", detail),
            E::AlreadyPaid { payment_id, .. } => Self::conflict("already-paid", "The order is already paid", detail)
                .with_context(&AlreadyPaid { payment_id }),
            E::MethodNotAccepted { .. } => {
                Self::conflict("method-not-accepted", "The method cannot be taken now", detail)
            }
            E::CashAtKiosk => {
                Self::new(StatusCode::FORBIDDEN, "method-not-allowed-here", "A kiosk takes no cash", detail)
            }
            E::NotApproved(error) => error.into(),
            E::AmountMismatch { total, .. } => {
                let context = AmountMismatch { total: total.amount(), currency: total.currency };
                Self::conflict("amount-mismatch", "The order costs another amount", detail).with_context(&context)
            }
            E::Money(cause) => {
                let detail = format!("{cause}. Send amounts that the shop's currency can have.");
                invalid("invalid-amount", "Not an amount of this currency", detail)
            }
            E::MissingTender { .. } => invalid("missing-tender", "tendered is missing", detail),
            E::InsufficientTender { due, missing, .. } => {
                let context = InsufficientTender { due: due.amount(), missing: missing.amount() };
                invalid("insufficient-tender", "Too little cash", detail).with_context(&context)
            }
            E::ExcessiveTender { .. } => invalid("excessive-tender", "Too much cash", detail),
            E::TenderNotAllowed => invalid("tender-not-allowed", "A QR code takes no cash", detail),
            E::NothingToPay => invalid("nothing-to-pay", "There is nothing to pay", detail),
            E::ChargeNotCreated(cause) => {
                unavailable("gateway-unavailable", "The gateway does not answer", detail).caused_by(cause)
            }
            E::GatewayUnavailable => unavailable("gateway-unavailable", "The gateway does not answer", detail),
            E::UnknownPayment(_) => Self::new(StatusCode::NOT_FOUND, "unknown-payment", "No such payment", detail),
            E::NotPaidYet(_) => Self::conflict("not-paid-yet", "Not paid yet", detail),
            E::PaymentFailed(_) => Self::conflict("payment-failed", "The payment failed", detail),
            E::InvalidClosing(_) => Self::invalid(detail),
            E::ReferenceRequired(_) => Self::conflict("reference-required", "The gateway does not answer", detail),
            E::InvalidReference => invalid("invalid-reference", "Not a reference", detail),
            E::ConcurrentChange => unavailable("concurrent-change", "Changed at this moment", detail),
            E::Approval(error) => error.into(),
            E::Idempotency(error) => error.into(),
            E::Db(error) => error.into(),
        }
    }
}
