//! `POST /api/QrCode/validate` (steps 33 to 36): a scan asks whether to pour.

use contracts::{
    ids::DispenseId,
    qr::{DispenseSeconds, RefusalReason, ValidateCode, ValidateCodeResponse},
};

use super::{Codes, check_device_text, effects::Effects, lease_code, redeem_code};
use crate::{
    error::QrError,
    model::{self, Code, DeviceJournal},
};

/// The answer to a scan, and what follows it.
pub(super) type Scanned = (ValidateCodeResponse, Effects);

impl Codes {
    /// Answers a scan: whether to pour and for how long, or why not.
    ///
    /// A `code` alone is redeemed at once. With the ids of a device it is leased to that device.
    ///
    /// # Errors
    /// [`QrError::IncompleteDevice`] and [`QrError::InvalidDeviceText`]; [`QrError::JournalNotCurrent`] if the device
    /// must send heartbeats first; [`QrError::TooManyDevices`].
    #[tracing::instrument(level = "debug", skip_all, fields(device_id = request.device_id))]
    pub(crate) async fn validate_code(&self, request: ValidateCode) -> Result<ValidateCodeResponse, QrError> {
        let code = model::parse_code(&request.code);
        let journal = journal_of(request)?;
        let Some(code) = code else { return Ok(refusal(RefusalReason::NotFound)) };
        let now = self.clock.now();
        match journal {
            Some(journal) => self.write(move |tx| lease_code::lease(tx, &code, &journal, now)).await,
            None => self.write(move |tx| redeem_code::redeem(tx, &code, now)).await,
        }
    }
}

/// The device that scanned the code. `None`: a caller without the lease protocol.
fn journal_of(request: ValidateCode) -> Result<Option<DeviceJournal>, QrError> {
    match (request.device_id, request.attempt_id, request.journal_epoch) {
        (None, None, None) => Ok(None),
        (Some(device_id), Some(attempt_id), Some(journal_epoch)) => {
            // A grant belongs to the device, whichever of its attempts asks for it.
            check_device_text("attemptId", attempt_id)?;
            Ok(Some(DeviceJournal {
                device_id: check_device_text("deviceId", device_id)?,
                journal_epoch: check_device_text("journalEpoch", journal_epoch)?,
            }))
        }
        _ => Err(QrError::IncompleteDevice),
    }
}

pub(super) fn permission(code: Code, duration_ms: u32, dispense_id: Option<DispenseId>) -> ValidateCodeResponse {
    ValidateCodeResponse {
        valid: true,
        product_name: Some(code.cup.product_name),
        dispense_duration: Some(DispenseSeconds { millis: duration_ms }),
        dispense_id,
        reason: None,
    }
}

pub(super) fn refusal(reason: RefusalReason) -> ValidateCodeResponse {
    ValidateCodeResponse {
        valid: false,
        product_name: None,
        dispense_duration: None,
        dispense_id: None,
        reason: Some(reason),
    }
}
