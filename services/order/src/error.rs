//! What can go wrong with an order, and the answer that it becomes.

use axum::http::StatusCode;
use contracts::{
    ids::{OrderId, ProductId},
    money::{Amount, MoneyError},
    order::{OrderStatus, OrderView, TotalMismatch},
    text::InvalidText,
};
use db::{DbError, idempotency::IdempotencyError};
use web::{CallError, Problem};

use crate::model;

/// Why Inventory does not hold what an order needs.
#[derive(Debug)]
pub(crate) enum NotHeld {
    /// Something ran out: its own words.
    OutOfStock(Box<contracts::problem::Problem>),
    /// It knows another order of this id, or something newer of this one.
    IdTaken,
    /// It refused the question, which is nothing that a guest or a cashier could change.
    Fault(Box<contracts::problem::Problem>),
}

impl From<contracts::problem::Problem> for NotHeld {
    fn from(problem: contracts::problem::Problem) -> Self {
        match problem.kind.as_str() {
            "/problems/out-of-stock" => Self::OutOfStock(Box::new(problem)),
            "/problems/order-id-taken" => Self::IdTaken,
            _ => Self::Fault(Box::new(problem)),
        }
    }
}

/// 409, with what Inventory says is short.
fn out_of_stock(detail: String, refusal: contracts::problem::Problem) -> Problem {
    let answer = Problem::conflict("out-of-stock", "Out of stock", detail);
    match refusal.context {
        Some(shortages) => answer.with_context(&shortages),
        None => answer,
    }
}

/// 503: Inventory refused the question.
fn stock_fault(detail: String, fault: &contracts::problem::Problem) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stock-unknown", "The stock cannot be asked for", detail)
        .caused_by(format!("inventory: {}: {}", fault.kind, fault.detail))
}

/// Why a changed product is not in the cache: the event comes again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CardNotCached {
    /// It cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The cache is away.
    #[error(transparent)]
    Cache(#[from] cache::CacheError),
}

/// Why money was not recorded: the event comes again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Another change came in between.
    #[error("order {0} changed while its late money was recorded")]
    ChangedMeanwhile(OrderId),
    /// Inventory refused the question.
    #[error("inventory cannot be asked for the stock of order {0}: {why}", why = .1.detail)]
    StockUnknown(OrderId, Box<contracts::problem::Problem>),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// The request is not an order.
    #[error("{0}")]
    Invalid(String),
    /// A text that no receipt and no screen can carry.
    #[error("{0}.")]
    Text(#[from] InvalidText),
    /// The menu has no such product.
    #[error("items[{index}].productId {product_id} is not on the menu. Read GET /api/Product and choose from it.", index = line - 1)]
    UnknownProduct {
        /// The order's line, from 1.
        line: u32,
        /// The product asked for.
        product_id: ProductId,
    },
    /// The product is not sold now.
    #[error("{name} {why}. Take it off the order, then send it again.")]
    NotSold {
        /// What the menu calls it.
        name: String,
        /// Why it is not.
        why: &'static str,
    },
    /// Too few or too many options of a group.
    #[error("{name}: choose {min_choices} to {max_choices} of {group}; the order has {count}.")]
    OptionCount {
        /// What the menu calls the product.
        name: String,
        /// What the menu calls the group.
        group: String,
        /// The fewest.
        min_choices: u32,
        /// The most.
        max_choices: u32,
        /// How many were chosen.
        count: u32,
    },
    /// An option that the product does not have, or one chosen twice.
    #[error("items[{index}].options has an option that {name} does not have, or one twice. Choose from its optionGroups.", index = line - 1)]
    ForeignOption {
        /// The order's line, from 1.
        line: u32,
        /// What the menu calls the product.
        name: String,
    },
    /// The client showed another total.
    #[error("The order costs {total} {currency} now, not {shown}. Show the new price and send the order again.", total = order.price.total, currency = order.price.currency)]
    TotalDiffers {
        /// The total that the client showed.
        shown: Amount,
        /// The order as the server prices it.
        order: Box<OrderView>,
    },
    /// Inventory refused: its own words.
    #[error("{}", .0.detail)]
    OutOfStock(Box<contracts::problem::Problem>),
    /// Inventory refused the question.
    #[error(
        "Whether there is enough stock cannot be found out now, so the order was not placed. Send it again in a moment."
    )]
    StockUnknown(Box<contracts::problem::Problem>),
    /// The id is another order's.
    #[error("The order id {0} is another order's. Send this order with a new id.")]
    IdTaken(OrderId),
    /// Product could not be asked for what the cache does not know.
    #[error("The menu cannot be read now, so the order was not placed. Send it again in a moment.")]
    MenuAway,
    /// A sum does not fit.
    #[error("The order cannot be priced: {0}. Order fewer.")]
    Money(#[from] MoneyError),
    /// The idempotency key is another request's.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PlaceError {
    /// The request is not an order, in fixed words.
    #[must_use]
    pub(crate) fn invalid(detail: &str) -> Self {
        Self::Invalid(detail.to_owned())
    }

    /// Inventory does not hold what the order needs.
    #[must_use]
    pub(crate) fn not_held(order_id: OrderId, why: NotHeld) -> Self {
        match why {
            NotHeld::OutOfStock(problem) => Self::OutOfStock(problem),
            NotHeld::IdTaken => Self::IdTaken(order_id),
            NotHeld::Fault(problem) => Self::StockUnknown(problem),
        }
    }

    /// The client showed `shown`; the server prices the order as `order`.
    #[must_use]
    pub(crate) fn total_differs(shown: Amount, order: OrderView) -> Self {
        Self::TotalDiffers { shown, order: Box::new(order) }
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        let detail = error.to_string();
        match error {
            PlaceError::Invalid(_)
            | PlaceError::Text(_)
            | PlaceError::OptionCount { .. }
            | PlaceError::ForeignOption { .. }
            | PlaceError::Money(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-order", "The order cannot be read", detail)
            }
            PlaceError::UnknownProduct { .. } => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-product", "No such product", detail)
            }
            PlaceError::NotSold { .. } => Problem::conflict("product-not-sold", "The product is not sold now", detail),
            PlaceError::TotalDiffers { order, .. } => {
                let context = TotalMismatch { items: order.items, price: order.price };
                Problem::conflict("total-mismatch", "The price has changed", detail).with_context(&context)
            }
            PlaceError::OutOfStock(problem) => out_of_stock(detail, *problem),
            PlaceError::StockUnknown(fault) => stock_fault(detail, &fault),
            PlaceError::IdTaken(_) => Problem::conflict("order-id-taken", "The order id is taken", detail),
            PlaceError::MenuAway => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "menu-away", "The menu cannot be read", detail)
            }
            PlaceError::Idempotency(error) => error.into(),
            PlaceError::Db(error) => error.into(),
        }
    }
}

/// Why an order was not changed or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    /// There is none of this id.
    #[error("There is no order {0}. Look it up by its number in GET /api/Order.")]
    Unknown(OrderId),
    /// Its status does not allow it.
    #[error("{}", model::why_not(*.from, *.to))]
    Illegal {
        /// Where it stands.
        from: OrderStatus,
        /// Where it was to go.
        to: OrderStatus,
    },
    /// Staff do not set this status by hand.
    #[error("{0} is not set by hand. {1}")]
    NotByHand(&'static str, &'static str),
    /// A cup of it waits for a decision.
    #[error(
        "A cup of order {0} waits for a person to say whether it was poured. Decide it with POST /api/QrCode/{{code}}/resolve, then complete the order."
    )]
    InReview(String),
    /// It is not today's.
    #[error("Order {0} is of an earlier business day and cannot be revived. Place a new order.")]
    EarlierDay(String),
    /// Its stock went to others.
    #[error("Order {number} cannot be revived: {}", .problem.detail)]
    OutOfStock {
        /// What people call it.
        number: String,
        /// Inventory's own words.
        problem: Box<contracts::problem::Problem>,
    },
    /// Inventory refused the question.
    #[error("Whether there is enough stock for order {0} cannot be found out now. Revive it again in a moment.")]
    StockUnknown(String, Box<contracts::problem::Problem>),
    /// Its late money goes back.
    #[error("Money for order {0} came too late and goes back: place a new order.")]
    MoneyGoesBack(String),
    /// Whether it is paid is not known.
    #[error("Whether order {0} is paid cannot be found out now, so it was left as it is. Try again in a moment.")]
    PaymentAway(String, #[source] CallError),
    /// Another change came in between.
    #[error("Order {0} was changed by someone else just now. Read it again, then decide.")]
    ChangedMeanwhile(String),
    /// The request is not one.
    #[error("{0}")]
    Invalid(String),
    /// A text that no receipt and no screen can carry.
    #[error("{0}.")]
    Text(#[from] InvalidText),
    /// A page that no list answered.
    #[error("cursor is not one that a page gave. Leave it out to start anew.")]
    Cursor,
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let detail = error.to_string();
        match error {
            OrderError::Unknown(_) => Problem::new(StatusCode::NOT_FOUND, "unknown-order", "No such order", detail),
            OrderError::Illegal { .. } => Problem::conflict("illegal-transition", "The order cannot go there", detail),
            OrderError::NotByHand(..) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not-by-hand", "The status is not set by hand", detail)
            }
            OrderError::InReview(_) => Problem::conflict("in-review", "A cup waits for a decision", detail),
            OrderError::EarlierDay(_) => Problem::conflict("earlier-day", "The order is of an earlier day", detail),
            OrderError::OutOfStock { problem, .. } => out_of_stock(detail, *problem),
            OrderError::StockUnknown(_, fault) => stock_fault(detail, &fault),
            OrderError::MoneyGoesBack(_) => Problem::conflict("money-goes-back", "Money for it goes back", detail),
            OrderError::PaymentAway(_, error) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Problem::new(status, "payment-away", "Payment cannot be asked", detail).caused_by(error)
            }
            OrderError::ChangedMeanwhile(_) => {
                Problem::conflict("changed-meanwhile", "The order was changed meanwhile", detail)
            }
            OrderError::Cursor => Problem::bad_request(detail),
            OrderError::Invalid(_) | OrderError::Text(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-order", "The change cannot be read", detail)
            }
            OrderError::Db(error) => error.into(),
        }
    }
}
