//! `POST /api/QrCode/validate` (steps 33 to 36): a scan asks whether to pour.

use contracts::{
    audit::Actor,
    ids::{DispenseId, ProductId},
    qr::{DispenseSeconds, RefusalReason, ValidateCode, ValidateCodeResponse},
};
use db::{DbResult, Tx};

use super::{Codes, check_device_text, effects::Effects, lease_code, redeem_code};
use crate::{
    error::QrError,
    model::{self, Code, DeviceJournal, Machine},
    store,
};

/// The answer to a scan, and what follows it.
pub(super) type Scanned = (ValidateCodeResponse, Effects);

impl Codes {
    /// Answers a scan: whether to pour and for how long, or why not.
    ///
    /// A `code` alone is redeemed at once, by a dispenser or by hand. With the ids of an attempt and a journal it is
    /// leased to the dispenser.
    ///
    /// # Errors
    /// [`QrError::IncompleteDevice`], [`QrError::NoDevice`] and [`QrError::InvalidDeviceText`];
    /// [`QrError::JournalNotCurrent`] if the device must send heartbeats first.
    #[tracing::instrument(level = "debug", skip_all, fields(device_id = machine.as_ref().map(|m| m.device_id.to_string())))]
    pub(crate) async fn validate_code(
        &self,
        machine: Option<Machine>,
        actor: Actor,
        request: ValidateCode,
    ) -> Result<ValidateCodeResponse, QrError> {
        let code = model::parse_code(&request.code);
        let journal = journal_of(machine.as_ref(), request)?;
        let Some(code) = code else { return Ok(refusal(RefusalReason::NotFound)) };
        let now = self.clock.now();
        match (machine, journal) {
            (Some(machine), Some(journal)) => {
                self.write(move |tx| lease_code::lease(tx, &code, &machine, &journal, now)).await
            }
            (machine, _) => self.write(move |tx| redeem_code::redeem(tx, &code, machine.as_ref(), &actor, now)).await,
        }
    }
}

/// The journal of the device that scanned the code. `None`: a code alone.
fn journal_of(machine: Option<&Machine>, request: ValidateCode) -> Result<Option<DeviceJournal>, QrError> {
    match (request.attempt_id, request.journal_epoch) {
        (None, None) => Ok(None),
        (Some(attempt_id), Some(journal_epoch)) => {
            // A grant belongs to the device, whichever of its attempts asks for it.
            check_device_text("attemptId", attempt_id)?;
            let device_id = machine.ok_or(QrError::NoDevice)?.device_id.to_string();
            Ok(Some(DeviceJournal { device_id, journal_epoch: check_device_text("journalEpoch", journal_epoch)? }))
        }
        _ => Err(QrError::IncompleteDevice),
    }
}

/// The device does not pour this product: the code stays valid for one that does.
pub(super) fn wrong_machine(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<ValidateCodeResponse> {
    let machine = model::machine_for(product_id, store::list_machines(tx)?);
    Ok(ValidateCodeResponse { machine, ..refusal(RefusalReason::WrongMachine) })
}

pub(super) fn permission(code: Code, duration_ms: u32, dispense_id: Option<DispenseId>) -> ValidateCodeResponse {
    ValidateCodeResponse {
        valid: true,
        product_name: Some(code.cup.product_name),
        dispense_duration: Some(DispenseSeconds { millis: duration_ms }),
        dispense_id,
        reason: None,
        machine: None,
    }
}

pub(super) fn refusal(reason: RefusalReason) -> ValidateCodeResponse {
    ValidateCodeResponse {
        valid: false,
        product_name: None,
        dispense_duration: None,
        dispense_id: None,
        reason: Some(reason),
        machine: None,
    }
}
