//! What can go wrong, and the problem that it becomes. A scan that does not pour is an answer, not an error.

use axum::http::StatusCode;
use contracts::{
    ids::OrderId,
    qr::{CodeStatus, DEVICE_TEXT_CHARS_MAX, OPEN_DISPENSES_MAX, REISSUED_CODES_MAX},
};
use db::{DbError, approvals::ApprovalError, idempotency::IdempotencyError};
use web::Problem;

use crate::model::{DeviceJournal, ReissueRefusal};

/// Why a request about codes was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrError {
    /// No such code, or not a code of the order.
    #[error("There is no code {0:?}. Scan it again, or look at the order's codes at /api/QrCode/order/{{orderId}}.")]
    UnknownCode(String),
    /// The order is not known, or no device pours any of it.
    #[error(
        "The order {0} has no codes: no device pours any of it, or it was placed a moment ago. Check the id, or ask again in a second."
    )]
    NoCodes(OrderId),
    /// No such grant of this code.
    #[error("The code {0} was never granted under this dispenseId. Report the dispenseId that validate answered.")]
    UnknownDispense(String),
    /// Another device holds the grant.
    #[error("This dispense was granted to another device than {0:?}. Only the device that holds a grant reports it.")]
    WrongDevice(String),
    /// A scan with one of the ids of the lease protocol.
    #[error("A dispenser that leases codes sends attemptId and journalEpoch together. Send both, or code alone.")]
    IncompleteDevice,
    /// Not a dispenser.
    #[error(
        "Only a paired dispenser leases codes and reports pours. Send code alone to hand a drink over, or pair the \
         dispenser (Settings, Devices, Add)."
    )]
    NoDevice,
    /// A signed request that is a copy, or was overtaken.
    #[error(
        "The request has the number {sequence}, and {newest} came before it, so nothing was done. Number every request \
         higher than the one before: continue at {}.",
        .newest.saturating_add(1)
    )]
    SequenceNotNewer {
        /// The number of the request.
        sequence: i64,
        /// The number of the device's newest request.
        newest: i64,
    },
    /// An id of an attempt or a journal that is blank, too long or not printable.
    #[error(
        "{field} has {chars} characters. Send 1 to {DEVICE_TEXT_CHARS_MAX}, that are printable and not only white space."
    )]
    InvalidDeviceText {
        /// The field of the request.
        field: &'static str,
        /// Its length.
        chars: usize,
    },
    /// A heartbeat with too many open dispenses.
    #[error(
        "openDispenses has {0} grants; a device holds at most {OPEN_DISPENSES_MAX}. Report those that have ended first (POST /api/QrCode/{{code}}/complete), then send the rest."
    )]
    TooManyOpenDispenses(usize),
    /// A reissue of too many codes.
    #[error("codes names {0} codes. Name at most {REISSUED_CODES_MAX} at once.")]
    TooManyCodes(usize),
    /// The device writes another journal, as far as is known.
    #[error(
        "{:?} is not the current journal of the device {:?}, so the scan changes nothing. Send heartbeats (POST /api/QrCode/heartbeat), each with the grants of the last answer, until one answers confirmed; then scan again.",
        .0.journal_epoch, .0.device_id
    )]
    JournalNotCurrent(DeviceJournal),
    /// Not a cursor of this list.
    #[error("{0:?} is not a cursor of this list. Send the nextCursor of the page before, or none for the first page.")]
    InvalidCursor(String),
    /// The code cannot be reissued.
    #[error("{}", not_reissuable(.code, .product_name, *.status, *.is_paid))]
    NotReissuable {
        /// The code.
        code: String,
        /// Its product.
        product_name: String,
        /// Its status.
        status: CodeStatus,
        /// Whether it is paid.
        is_paid: bool,
    },
    /// The code is neither in REVIEW nor leased.
    #[error(
        "The code {code} is {}, so there is nothing to decide. Look at the list again: someone may have decided already.",
        .status
    )]
    NotInReview {
        /// The code.
        code: String,
        /// Its status.
        status: CodeStatus,
    },
    /// A code cannot be drawn: a defect.
    #[error("the code {code} cannot be drawn as a QR code")]
    NotDrawable {
        /// The code.
        code: String,
        /// What the drawing library refused.
        source: qrcode::types::QrError,
    },
    /// A manager's approval does not count.
    #[error("the approval cannot be used")]
    Approval(#[from] ApprovalError),
    /// The idempotency key cannot be used.
    #[error("the idempotency key cannot be used")]
    Idempotency(#[from] IdempotencyError),
    /// The database failed.
    #[error("the database of codes failed")]
    Db(#[from] DbError),
}

fn not_reissuable(code: &str, product_name: &str, status: CodeStatus, is_paid: bool) -> String {
    let of = format!("{product_name} ({code})");
    match status {
        CodeStatus::Leased => format!(
            "{of} is in a dispenser right now. Wait until it has poured; if the dispenser is stuck, switch it off and on: \
             it then reports what it did. If it is dead, decide whether the guest has the drink \
             (POST /api/QrCode/{code}/resolve)."
        ),
        CodeStatus::Review => format!(
            "{of} is in review. First decide whether the guest has the drink (POST /api/QrCode/{code}/resolve); \
             if not, the code becomes valid again."
        ),
        CodeStatus::Used => format!("{of} was poured. If the guest got nothing, make the drink by hand."),
        CodeStatus::Void => format!(
            "{of} was replaced, or its order is closed. Use the order's newest code; for a closed order, \
             place a new one."
        ),
        CodeStatus::Active if is_paid => format!("{of} is valid already. To replace it anyway, name it in codes."),
        CodeStatus::Pending | CodeStatus::Active | CodeStatus::Expired => {
            format!("{of} is not paid. Take the payment first; its codes are valid from then on.")
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
            QrError::WrongDevice(_) => Self::conflict("wrong-device", "Another device's dispense", detail),
            QrError::JournalNotCurrent(_) => Self::conflict("journal-not-current", "Journal not current", detail),
            QrError::SequenceNotNewer { .. } => {
                Self::new(StatusCode::UNAUTHORIZED, "sequence-not-newer", "The request was sent before", detail)
            }
            QrError::IncompleteDevice
            | QrError::NoDevice
            | QrError::InvalidDeviceText { .. }
            | QrError::TooManyOpenDispenses(_)
            | QrError::TooManyCodes(_) => Self::invalid(detail),
            QrError::InvalidCursor(_) => Self::bad_request(detail),
            QrError::NotReissuable { status, is_paid, .. } => not_reissuable_problem(status, is_paid, detail),
            QrError::NotInReview { .. } => Self::conflict("code-not-in-review", "Not in review", detail),
            QrError::NotDrawable { .. } => Self::internal(error),
            QrError::Approval(error) => error.into(),
            QrError::Idempotency(error) => error.into(),
            QrError::Db(error) => error.into(),
        }
    }
}

fn not_reissuable_problem(status: CodeStatus, is_paid: bool, detail: String) -> Problem {
    match status {
        CodeStatus::Leased => Problem::conflict("code-leased", "In a dispenser", detail),
        CodeStatus::Review => Problem::conflict("code-in-review", "In review", detail),
        CodeStatus::Used => Problem::conflict("code-used", "Poured already", detail),
        CodeStatus::Void => Problem::conflict("code-void", "Replaced or closed", detail),
        CodeStatus::Active if is_paid => Problem::conflict("code-active", "Valid already", detail),
        CodeStatus::Pending | CodeStatus::Active | CodeStatus::Expired => {
            Problem::conflict("order-unpaid", "Not paid", detail)
        }
    }
}

impl From<ReissueRefusal> for QrError {
    fn from(refusal: ReissueRefusal) -> Self {
        match refusal {
            ReissueRefusal::UnknownCode(name) => Self::UnknownCode(name),
            ReissueRefusal::NotReissuable { code, product_name, status, is_paid } => {
                Self::NotReissuable { code, product_name, status, is_paid }
            }
        }
    }
}
