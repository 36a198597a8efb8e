//! The errors of people and sessions, and the problems that they become.

use std::time::Duration;

use access::IssueError;
use axum::http::StatusCode;
use contracts::{ids::StaffId, staff::InvalidPin, time::Timestamp};
use db::{DbError, approvals::ApprovalError, idempotency::IdempotencyError};
use serde::Serialize;
use tokio::{sync::AcquireError, task::JoinError};
use web::Problem;

use crate::model::InvalidStaffName;

/// Too many PINs wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Too many people enter their PIN at this moment. Nothing was counted; try again in a second.")]
pub(crate) struct PinQueueFull;

/// A PIN cannot be hashed, or a stored hash is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PinHashError {
    #[error("a PIN cannot be hashed: {0}")]
    Argon2(argon2::Error),
    #[error("a PIN cannot be hashed, or its stored hash cannot be read")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("the thread that hashed a PIN ended early")]
    Thread(#[from] JoinError),
    #[error("the queue of PINs is closed")]
    Queue(#[from] AcquireError),
}

impl From<argon2::Error> for PinHashError {
    fn from(error: argon2::Error) -> Self {
        Self::Argon2(error)
    }
}

/// Something about a person or a session was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StaffError {
    /// Nobody has this id.
    #[error("there is no person {0}")]
    Unknown(StaffId),
    /// The name cannot be one.
    #[error(transparent)]
    Name(#[from] InvalidStaffName),
    /// Somebody who works here has the name.
    #[error("{name} works here already. Choose another name, such as one with the first letter of the last name.")]
    NameTaken { name: String },
    /// More people than fit on the tiles.
    #[error("{0} people work here, as many as there can be. Take somebody off the list first.")]
    TooMany(u32),
    /// Somebody else changed the person.
    #[error(
        "This person is at version {0} now: somebody changed them in between. Read them again and make the change on that."
    )]
    VersionMismatch(i64),
    /// Nobody could decide about people and settings any more.
    #[error("{name} is the only owner who works here. Make somebody else an owner first.")]
    LastOwner { name: String },
    /// A PIN is changed by an owner or by the person.
    #[error("A PIN is changed by an owner, or by the person. Ask an owner.")]
    NotOwnPin,
    /// A manager does not act on managers and owners.
    #[error(
        "{name} has your role or a higher one. Let an owner do this, or approve it with their PIN where that is possible."
    )]
    NotAbove { name: String },
    /// A device that is not paired signs nobody in.
    #[error("Pair this device first: /pair. An owner makes the code for it.")]
    PairFirst,
    /// A cashier at a kiosk.
    #[error("At a kiosk only managers and owners sign in. Sign in at a till.")]
    NotAtKiosk,
    /// Nobody is signed in.
    #[error("Nobody is signed in here. Sign in with a PIN: POST /api/Session.")]
    NoSession,
    /// The PIN is not the person's, or nobody has the id.
    #[error("This is not the PIN of this person. Enter it again; every fifth wrong PIN locks the person for a while.")]
    WrongPin,
    /// Too many wrong PINs.
    #[error("Too many wrong PINs: this person can sign in again at {until}. A manager can unlock them before.")]
    Locked { until: Timestamp, pause: Duration },
    /// Too many PINs at once.
    #[error(transparent)]
    PinQueueFull(#[from] PinQueueFull),
    /// A cashier cannot approve.
    #[error("{name} is not a manager and cannot approve. Let a manager or an owner enter their PIN.")]
    CannotApprove { name: String },
    /// An approval names what it is for.
    #[error("The subject has 1 to 64 characters: the id of what is approved. Correct it and ask again.")]
    InvalidSubject,
    /// A PIN cannot be hashed.
    #[error("a PIN cannot be hashed or verified")]
    Hash(#[from] PinHashError),
    /// A random PIN is none.
    #[error("a PIN cannot be made")]
    Pin(#[from] InvalidPin),
    /// A token cannot be signed.
    #[error("a session cannot begin")]
    Issue(#[from] IssueError),
    /// A manager's approval does not count.
    #[error("the approval cannot be used")]
    Approval(#[from] ApprovalError),
    /// The key of a repeated request.
    #[error("the idempotency key cannot be used")]
    Idempotency(#[from] IdempotencyError),
    /// The database.
    #[error("people and sessions cannot be read or written")]
    Db(#[from] DbError),
}

/// What the sign-in screen shows of a lock.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LockedContext {
    locked_until: Timestamp,
}

impl From<StaffError> for Problem {
    fn from(error: StaffError) -> Self {
        let detail = error.to_string();
        match error {
            StaffError::Unknown(id) => Self::not_found("person", id),
            StaffError::Name(_) | StaffError::InvalidSubject => Self::invalid(detail),
            StaffError::NameTaken { .. } => Self::conflict("name-taken", "Somebody has this name", detail),
            StaffError::TooMany(_) => Self::conflict("staff-full", "The list of people is full", detail),
            StaffError::VersionMismatch(_) => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", "It was changed in between", detail)
            }
            StaffError::LastOwner { .. } => Self::conflict("last-owner", "A shop needs an owner", detail),
            StaffError::PairFirst => Self::new(StatusCode::FORBIDDEN, "pair-first", "Not paired", detail),
            StaffError::NotOwnPin | StaffError::NotAbove { .. } | StaffError::NotAtKiosk => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            }
            StaffError::NoSession => {
                Self::new(StatusCode::UNAUTHORIZED, "sign-in-required", "Sign-in required", detail)
            }
            StaffError::WrongPin => Self::new(StatusCode::UNAUTHORIZED, "wrong-pin", "Wrong PIN", detail),
            StaffError::Locked { until, pause } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "staff-locked", "Too many wrong PINs", detail)
                    .with_context(&LockedContext { locked_until: until })
                    .retry_after(pause)
            }
            StaffError::PinQueueFull(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too many PINs at once", detail)
            }
            StaffError::CannotApprove { .. } => {
                Self::new(StatusCode::FORBIDDEN, "cannot-approve", "This person cannot approve", detail)
            }
            StaffError::Approval(error) => error.into(),
            StaffError::Idempotency(error) => error.into(),
            StaffError::Db(error) => error.into(),
            StaffError::Hash(_) | StaffError::Pin(_) | StaffError::Issue(_) => Self::internal(error),
        }
    }
}
