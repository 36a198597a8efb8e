//! The errors of devices and their pairing.

use std::time::Duration;

use access::IssueError;
use axum::http::StatusCode;
use contracts::ids::DeviceId;
use db::DbError;
use web::Problem;

use crate::model::{DEVICES_MAX, InvalidDevice, PAIRING_CODES_MAX};

/// Why a request about devices was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    /// No such device.
    #[error("there is no device {0}")]
    Unknown(DeviceId),
    /// It was revoked, so nothing can be changed.
    #[error("{0} was revoked, so it cannot be changed. Pair it again to use it.")]
    Revoked(String),
    /// Somebody else changed it since the client read it.
    #[error("{name} has version {current} now")]
    VersionMismatch { name: String, current: i64 },
    /// Two devices that nobody could tell apart.
    #[error("Another device is named {0}. Choose another name, or revoke that device first.")]
    NameTaken(String),
    /// The code was used, and not by this request.
    #[error(
        "This pairing code has been used. If this device did not use it, make a new one at the till (Settings, Devices, \
         Add), and look in the list of devices for one that nobody knows."
    )]
    CodeUsed,
    /// What was written of it is not acceptable.
    #[error(transparent)]
    Invalid(#[from] InvalidDevice),
    /// A dispenser has a key and no token.
    #[error("A dispenser has no token to renew: it signs its requests with its key. Pair it again for a new key.")]
    NotATablet,
    /// The code is unknown, used or over. Which of them is nobody's business who guesses.
    #[error(
        "This pairing code does not exist, has been used, or its ten minutes are over. Make a new one at the till \
         (Settings, Devices, Add), or with `fnb device pair` on the shop's machine."
    )]
    InvalidCode,
    /// Too many wrong codes.
    #[error(
        "Too many wrong pairing codes were entered in the last minute, so no code is accepted for now. Wait, then enter \
         the code of the device list."
    )]
    TooManyGuesses { retry_after: Duration },
    /// Too many open codes.
    #[error(
        "There are {PAIRING_CODES_MAX} pairing codes that wait to be used. Use one of them, or wait ten minutes: they end \
         by themselves."
    )]
    TooManyCodes,
    /// Too many devices.
    #[error("The shop has {DEVICES_MAX} devices in use. Revoke those that are gone, then pair this one.")]
    TooManyDevices,
    /// A token cannot be signed.
    #[error("a token cannot be signed")]
    Token(#[from] IssueError),
    /// The system has no randomness.
    #[error("the system has no randomness for a key")]
    Key(#[from] getrandom::Error),
    /// A code cannot be drawn: a defect.
    #[error("the pairing page's address cannot be drawn as a QR code")]
    NotDrawable(#[from] qrcode::types::QrError),
    /// The database.
    #[error("the devices cannot be read or written")]
    Db(#[from] DbError),
}

impl From<DeviceError> for Problem {
    fn from(error: DeviceError) -> Self {
        let detail = error.to_string();
        match error {
            DeviceError::Unknown(device_id) => Self::not_found("device", device_id),
            DeviceError::Revoked(_) => Self::conflict("device-revoked", "The device was revoked", detail),
            DeviceError::VersionMismatch { name, current } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "device-changed-meanwhile",
                "Somebody else changed the device",
                format!(
                    "{name} was changed since you read it; it has version {current} now. Read it again, make your change \
                     in it, and send it with its new ETag."
                ),
            ),
            DeviceError::Invalid(_) => Self::invalid(detail),
            DeviceError::NameTaken(_) => Self::conflict("name-taken", "The name is taken", detail),
            DeviceError::CodeUsed => Self::conflict("pairing-code-used", "The pairing code has been used", detail),
            DeviceError::NotATablet => Self::conflict("not-a-tablet", "A dispenser has no token", detail),
            DeviceError::InvalidCode => {
                Self::new(StatusCode::NOT_FOUND, "invalid-pairing-code", "Not a valid pairing code", detail)
            }
            DeviceError::TooManyGuesses { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", "Too many wrong codes", detail)
                    .retry_after(retry_after)
            }
            DeviceError::TooManyCodes => {
                Self::conflict("too-many-pairing-codes", "Too many open pairing codes", detail)
            }
            DeviceError::TooManyDevices => Self::conflict("too-many-devices", "Too many devices", detail),
            DeviceError::Token(_) | DeviceError::Key(_) | DeviceError::NotDrawable(_) => Self::internal(error),
            DeviceError::Db(error) => error.into(),
        }
    }
}
