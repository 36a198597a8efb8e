//! What can go wrong with an order, and the problem that it becomes.

use axum::http::StatusCode;
use contracts::{
    ids::OrderId,
    money::Amount,
    order::{OrderStatus, TotalMismatch},
    problem::Problem as ProblemBody,
    text::InvalidText,
};
use db::{DbError, idempotency::IdempotencyError};
use web::{CallError, Problem};

use crate::model::{self, Refusal};

/// Why Inventory did not reserve what an order needs.
#[derive(Debug)]
pub(crate) enum ReservationError {
    /// Something ran out. Inventory's own refusal names it.
    OutOfStock(Box<ProblemBody>),
    /// It has another order with this id, or a newer version of this order.
    OrderIdTaken,
    /// It refused the request itself: a defect that no guest or cashier can correct.
    Rejected(Box<ProblemBody>),
}

impl From<ProblemBody> for ReservationError {
    fn from(problem: ProblemBody) -> Self {
        match problem.kind.as_str() {
            "/problems/out-of-stock" => Self::OutOfStock(Box::new(problem)),
            "/problems/order-id-taken" => Self::OrderIdTaken,
            _ => Self::Rejected(Box::new(problem)),
        }
    }
}

/// 409, with Inventory's list of what is short.
fn out_of_stock(detail: String, refusal: ProblemBody) -> Problem {
    let answer = Problem::conflict("out-of-stock", "Out of stock", detail);
    match refusal.context {
        Some(shortages) => answer.with_context(&shortages),
        None => answer,
    }
}

/// 503: Inventory refused the request itself.
fn stock_unknown(detail: String, refusal: &ProblemBody) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stock-unknown", "The stock cannot be reserved", detail)
        .caused_by(format!("inventory: {}: {}", refusal.kind, refusal.detail))
}

/// Why a payment was not recorded. The event comes again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Another transaction changed the order first.
    #[error("order {0} changed while its late payment was recorded")]
    ChangedConcurrently(OrderId),
    /// Inventory refused the request itself.
    #[error("inventory does not reserve the stock of order {0}: {detail}", detail = .1.detail)]
    StockUnknown(OrderId, Box<ProblemBody>),
    /// The database failed.
    #[error("the payment was not recorded")]
    Db(#[from] DbError),
}

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// The shop does not sell what is asked for.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The client showed another total.
    #[error("The order costs {total} {currency} now, not {shown}. Show the new price and send the order again.", total = mismatch.price.total, currency = mismatch.price.currency)]
    TotalMismatch {
        /// The total that the client showed.
        shown: Amount,
        /// The order as the server prices it.
        mismatch: Box<TotalMismatch>,
    },
    /// Something ran out. Inventory's own refusal names it.
    #[error("{}", .0.detail)]
    OutOfStock(Box<ProblemBody>),
    /// Inventory refused the request itself.
    #[error(
        "Whether there is enough stock cannot be found out now, so the order was not placed. Send it again in a moment."
    )]
    StockUnknown(Box<ProblemBody>),
    /// Too many orders of the kiosk are unpaid.
    #[error(
        "This kiosk has {0} unpaid orders, and it may have no more. Pay or cancel one of them first, or order at the counter."
    )]
    TooManyOpenOrders(u32),
    /// The id is another order's.
    #[error("The order id {0} is another order's. Send this order with a new id.")]
    OrderIdTaken(OrderId),
    /// Product is unavailable, and the cache does not have every product of the order.
    #[error("The menu cannot be read now, so the order was not placed. Send it again in a moment.")]
    MenuUnavailable(#[source] CallError),
    /// The Idempotency-Key is another request's.
    #[error("the order was not placed")]
    Idempotency(#[from] IdempotencyError),
    /// The database failed.
    #[error("the order was not placed")]
    Db(#[from] DbError),
}

impl PlaceError {
    /// Inventory did not reserve what the order needs.
    #[must_use]
    pub(crate) fn not_reserved(order_id: OrderId, error: ReservationError) -> Self {
        match error {
            ReservationError::OutOfStock(problem) => Self::OutOfStock(problem),
            ReservationError::OrderIdTaken => Self::OrderIdTaken(order_id),
            ReservationError::Rejected(problem) => Self::StockUnknown(problem),
        }
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        let detail = error.to_string();
        match error {
            PlaceError::Refused(refusal) => refusal.into(),
            PlaceError::TotalMismatch { mismatch, .. } => {
                Problem::conflict("total-mismatch", "The price has changed", detail).with_context(&mismatch)
            }
            PlaceError::OutOfStock(problem) => out_of_stock(detail, *problem),
            PlaceError::StockUnknown(problem) => stock_unknown(detail, &problem),
            PlaceError::OrderIdTaken(_) => Problem::conflict("order-id-taken", "The order id is taken", detail),
            PlaceError::TooManyOpenOrders(_) => {
                Problem::conflict("too-many-open-orders", "Too many unpaid orders", detail)
            }
            PlaceError::MenuUnavailable(cause) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "menu-unavailable", "The menu cannot be read", detail)
                    .caused_by(cause)
            }
            PlaceError::Idempotency(error) => error.into(),
            PlaceError::Db(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        match refusal {
            Refusal::Invalid(_)
            | Refusal::Text(_)
            | Refusal::OptionCount { .. }
            | Refusal::UnknownOption { .. }
            | Refusal::Money(_) => Problem::new(status, "invalid-order", "The order is not valid", detail),
            Refusal::UnknownProduct { .. } => Problem::new(status, "unknown-product", "No such product", detail),
            Refusal::NotSold { .. } => Problem::conflict("product-not-sold", "The product is not sold now", detail),
        }
    }
}

/// Why an order was not changed or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    /// There is no order of this id.
    #[error("There is no order {0}. Look it up by its number in GET /api/Order.")]
    UnknownOrder(OrderId),
    /// Its status does not allow it.
    #[error("{}", model::explain_refused_transition(*.from, *.to))]
    IllegalTransition {
        /// Its status.
        from: OrderStatus,
        /// The status asked for.
        to: OrderStatus,
    },
    /// A PATCH does not set this status.
    #[error("{0} is not set by PATCH. {1}")]
    StatusNotSettable(OrderStatus, &'static str),
    /// A cup of it is in review.
    #[error(
        "A cup of order {0} is in review: a person must decide whether it was poured. Decide it with POST /api/QrCode/{{code}}/resolve, then complete the order."
    )]
    CupInReview(String),
    /// It is of an earlier business day.
    #[error("Order {0} is of an earlier business day and cannot be revived. Place a new order.")]
    EarlierBusinessDay(String),
    /// Its stock went to others.
    #[error("Order {number} cannot be revived: {}", .problem.detail)]
    OutOfStock {
        /// Its number.
        number: String,
        /// Inventory's own refusal.
        problem: Box<ProblemBody>,
    },
    /// Inventory refused the request itself.
    #[error("Whether there is enough stock for order {0} cannot be found out now. Revive it again in a moment.")]
    StockUnknown(String, Box<ProblemBody>),
    /// Its late payment is refunded.
    #[error("A payment for order {0} came too late and is refunded: place a new order.")]
    LatePaymentRefunded(String),
    /// Payment is unavailable, so it is not known whether the order is paid.
    #[error("Whether order {0} is paid cannot be found out now, so it was left as it is. Try again in a moment.")]
    PaymentUnavailable(String, #[source] CallError),
    /// The permit to close the order expired before the write: Payment may take money again.
    #[error("Order {0} took too long to close, so it was left as it is. Try again in a moment.")]
    ClosedTooLate(String),
    /// Another request changed the order first.
    #[error("Order {0} was changed by someone else just now. Read it again, then decide.")]
    ChangedConcurrently(String),
    /// A field is out of its bounds.
    #[error("{0}")]
    Invalid(String),
    /// A text that no receipt and no screen can show.
    #[error("{0}.")]
    Text(#[from] InvalidText),
    /// The cursor is of no page.
    #[error("cursor is not the nextCursor of a page. Leave it out to read the first page.")]
    InvalidCursor,
    /// The database failed.
    #[error("the order was not read or changed")]
    Db(#[from] DbError),
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let detail = error.to_string();
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        match error {
            OrderError::UnknownOrder(_) => {
                Problem::new(StatusCode::NOT_FOUND, "unknown-order", "No such order", detail)
            }
            OrderError::IllegalTransition { .. } => {
                Problem::conflict("illegal-transition", "The order's status does not allow it", detail)
            }
            OrderError::StatusNotSettable(..) => {
                Problem::new(unprocessable, "status-not-settable", "The status is not set by PATCH", detail)
            }
            OrderError::CupInReview(_) => Problem::conflict("cup-in-review", "A cup is in review", detail),
            OrderError::EarlierBusinessDay(_) => {
                Problem::conflict("earlier-business-day", "The order is of an earlier business day", detail)
            }
            OrderError::OutOfStock { problem, .. } => out_of_stock(detail, *problem),
            OrderError::StockUnknown(_, problem) => stock_unknown(detail, &problem),
            OrderError::LatePaymentRefunded(_) => {
                Problem::conflict("late-payment-refunded", "Its late payment is refunded", detail)
            }
            OrderError::PaymentUnavailable(_, cause) => {
                Problem::new(unavailable, "payment-unavailable", "Payment cannot be asked", detail).caused_by(cause)
            }
            OrderError::ClosedTooLate(_) => {
                Problem::new(unavailable, "closed-too-late", "The order took too long to close", detail)
            }
            OrderError::ChangedConcurrently(_) => {
                Problem::conflict("changed-concurrently", "The order was changed by someone else", detail)
            }
            OrderError::InvalidCursor => Problem::bad_request(detail),
            OrderError::Invalid(_) | OrderError::Text(_) => {
                Problem::new(unprocessable, "invalid-order", "The change is not valid", detail)
            }
            OrderError::Db(error) => error.into(),
        }
    }
}
