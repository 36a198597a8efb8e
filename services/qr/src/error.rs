//! What can go wrong, and the status that it becomes. A scan that does not pour is no error: it is an answer.

use axum::http::StatusCode;
use contracts::{ids::OrderId, qr::CodeStatus};
use db::{DbError, idempotency::IdempotencyError};
use web::Problem;

/// Why a request about codes was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrError {
    /// No such code, or not one of the order.
    #[error(
        "There is no code {0:?} here. Scan it again, or look at the order's codes at /api/QrCode/order/{{orderId}}."
    )]
    UnknownCode(String),
    /// Nothing was heard of the order, or no machine pours any of it.
    #[error(
        "The order {0} has no codes: no machine pours any of it, or it was placed a moment ago. Check the id, or ask again in a second."
    )]
    NoCodes(OrderId),
    /// No such grant of this code.
    #[error("The code {0} was never granted under this dispenseId. Report the dispenseId that validate answered.")]
    UnknownDispense(String),
    /// The grant is another machine's.
    #[error("This dispense was granted to another machine than {0:?}. Only the machine that has a grant reports it.")]
    WrongDevice(String),
    /// The request names a machine in a way that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The machine wrote another journal since: what it asked before comes too late.
    #[error(
        "The machine {device_id:?} has begun another journal since {journal_epoch:?}, so this comes too late and does \
         nothing. Send the epoch of the journal that the machine writes now; a journal that is put back from a copy \
         takes a new epoch."
    )]
    FormerJournal {
        /// Which machine.
        device_id: String,
        /// The journal that it sent.
        journal_epoch: String,
    },
    /// No page ended there.
    #[error("{0:?} is no cursor of this list. Send the nextCursor of the page before, or none for the first page.")]
    InvalidCursor(String),
    /// The code cannot be replaced.
    #[error("{}", not_reissuable(.code, .product_name, *.status, *.is_paid))]
    NotReissuable {
        /// Which code.
        code: String,
        /// For what.
        product_name: String,
        /// Where it stands.
        status: CodeStatus,
        /// Whether it is paid.
        is_paid: bool,
    },
    /// The code is neither in REVIEW nor in a machine.
    #[error(
        "The code {code} is {}, so there is nothing to decide. Look at the list again: someone may have decided already.",
        .status
    )]
    NotInReview {
        /// Which code.
        code: String,
        /// Where it stands.
        status: CodeStatus,
    },
    /// A code's text cannot be drawn: a defect.
    #[error("the code {0} cannot be drawn as a QR code")]
    NotDrawable(String),
    /// The idempotency key was used for another request.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn not_reissuable(code: &str, product_name: &str, status: CodeStatus, is_paid: bool) -> String {
    let of = format!("{product_name} ({code})");
    match status {
        CodeStatus::Leased => format!(
            "{of} is in a machine right now. Wait until it has poured; if the machine is stuck, switch it off and on: \
             it then says what it did. If it is dead, say whether the guest has the drink \
             (POST /api/QrCode/{code}/resolve)."
        ),
        CodeStatus::Review => format!(
            "{of} is in review. First say whether the guest has the drink (POST /api/QrCode/{code}/resolve); \
             if not, the code pours again."
        ),
        CodeStatus::Used => format!("{of} was poured. If the guest got nothing, make the drink by hand."),
        CodeStatus::Void => format!(
            "{of} was replaced, or its order is over. Use the order's newest code; for an order that is over, \
             place a new one."
        ),
        CodeStatus::Active if is_paid => format!("{of} pours already. To replace it all the same, name it in codes."),
        CodeStatus::Pending | CodeStatus::Active | CodeStatus::Expired => {
            format!("{of} is not paid. Take the payment first; its codes then pour.")
        }
    }
}

impl From<QrError> for Problem {
    fn from(error: QrError) -> Self {
        let detail = error.to_string();
        match error {
            QrError::UnknownCode(_) | QrError::NoCodes(_) => {
                Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
            }
            QrError::UnknownDispense(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-dispense", "Unknown dispense", detail)
            }
            QrError::WrongDevice(_) => Self::conflict("wrong-device", "Another machine's dispense", detail),
            QrError::FormerJournal { .. } => Self::conflict("former-journal", "A journal of before", detail),
            QrError::Invalid(_) => Self::invalid(detail),
            QrError::InvalidCursor(_) => Self::bad_request(detail),
            QrError::NotReissuable { status, is_paid, .. } => not_reissuable_problem(status, is_paid, detail),
            QrError::NotInReview { .. } => Self::conflict("code-not-in-review", "Not in review", detail),
            QrError::NotDrawable(_) => Self::internal(detail),
            QrError::Idempotency(error) => error.into(),
            QrError::Db(error) => error.into(),
        }
    }
}

fn not_reissuable_problem(status: CodeStatus, is_paid: bool, detail: String) -> Problem {
    match status {
        CodeStatus::Leased => Problem::conflict("code-leased", "A machine has it", detail),
        CodeStatus::Review => Problem::conflict("code-in-review", "In review", detail),
        CodeStatus::Used => Problem::conflict("code-used", "Poured already", detail),
        CodeStatus::Void => Problem::conflict("code-void", "Given up", detail),
        CodeStatus::Active if is_paid => Problem::conflict("code-active", "It pours", detail),
        CodeStatus::Pending | CodeStatus::Active | CodeStatus::Expired => {
            Problem::conflict("order-unpaid", "Not paid", detail)
        }
    }
}
