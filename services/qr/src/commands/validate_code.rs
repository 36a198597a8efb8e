//! `POST /api/QrCode/validate` (steps 33 to 36): a machine asks whether to pour.

use contracts::{
    event::DispenseCompleted,
    ids::DispenseId,
    qr::{DispenseSeconds, PUMP_ML_PER_SECOND, RefusalReason, ValidateCode, ValidateCodeResponse},
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::{Codes, checked_name, meet_machine::meet, receipt_part::ReceiptPart};
use crate::{
    error::QrError,
    model::{self, Code, Machine, Scan},
    store,
};

/// The second look is after another request won; what that one wrote decides, so there is never a third.
const LOOKS_MAX: u32 = 2;
/// The second time the machine's new journal is known; a machine has no third.
const MEETINGS_MAX: u32 = 2;

impl Codes {
    /// Answers a scan: pour, and for how long, or why not.
    ///
    /// A `code` alone is USED from then on; with a machine's names it is LEASED to that machine.
    ///
    /// # Errors
    /// [`QrError::Invalid`] where some of the machine's three names are missing or too long;
    /// [`QrError::FormerJournal`] where the scan comes too late.
    pub(crate) async fn validate(&self, request: ValidateCode) -> Result<ValidateCodeResponse, QrError> {
        let code = model::read_code(&request.code);
        let machine = machine_of(request)?;
        let Some(code) = code else { return Ok(refusal(RefusalReason::NotFound)) };
        let now = self.clock.now();
        let Some(machine) = machine else {
            return self.write_and_show(move |tx| Ok(use_up(tx, &code, now)?)).await;
        };
        self.validate_for(code, machine, now).await
    }

    /// What a new journal changes is committed before the scan, so that no transaction writes orders out of order.
    async fn validate_for(
        &self,
        code: String,
        machine: Machine,
        now: Timestamp,
    ) -> Result<ValidateCodeResponse, QrError> {
        for _ in 0..MEETINGS_MAX {
            let (code, machine) = (code.clone(), machine.clone());
            let scanned = self.write_and_show(move |tx| {
                let met = meet(tx, &machine.device_id, &machine.journal_epoch, now)?;
                match met.lost {
                    Some(parts) => Ok((None, parts)),
                    None => {
                        let (answer, part) = lease(tx, &code, &machine, now)?;
                        Ok((Some(answer), part.into_iter().collect()))
                    }
                }
            });
            if let Some(answer) = scanned.await? {
                return Ok(answer);
            }
        }
        let Machine { device_id, journal_epoch } = machine;
        Err(QrError::FormerJournal { device_id, journal_epoch })
    }
}

/// The machine that asks; `None` where a code comes alone, as in the specification.
fn machine_of(request: ValidateCode) -> Result<Option<Machine>, QrError> {
    match (request.device_id, request.attempt_id, request.journal_epoch) {
        (None, None, None) => Ok(None),
        (Some(device_id), Some(attempt_id), Some(journal_epoch)) => {
            // A grant is the machine's, whichever of its attempts asks for it.
            checked_name("attemptId", attempt_id)?;
            Ok(Some(Machine {
                device_id: checked_name("deviceId", device_id)?,
                journal_epoch: checked_name("journalEpoch", journal_epoch)?,
            }))
        }
        _ => Err(QrError::Invalid(
            "A dispenser sends deviceId, attemptId and journalEpoch together; anyone else sends code alone. \
             Send all three or none."
                .into(),
        )),
    }
}

/// The answer, and what changed.
type Scanned = (ValidateCodeResponse, Option<ReceiptPart>);

/// Steps 34 to 36 for a caller without leases: at most once.
fn use_up(tx: &mut Tx<'_>, code: &str, now: Timestamp) -> DbResult<Scanned> {
    for _ in 0..LOOKS_MAX {
        let Some(seen) = store::find(tx, code)? else { return Ok((refusal(RefusalReason::NotFound), None)) };
        if let Scan::Refuse(reason) = model::scan(&seen, None, now) {
            return Ok((refusal(reason), None));
        }
        let Some(order) = store::lock_order(tx, seen.order_id)? else { break };
        let dispense_id = DispenseId::new(now);
        let Some(used) = store::use_up(tx, code, dispense_id, now)? else { continue };
        let duration_ms = model::duration_ms(used.cup.dispense_ml, PUMP_ML_PER_SECOND);
        store::used_at_once(tx, dispense_id, &used, duration_ms, now)?;
        outbox::append(tx, &DispenseCompleted { code: used.view(), poured_ms: None }, now)?;
        let part = ReceiptPart::read(tx, used.order_id, &order)?;
        return Ok((permission(used, duration_ms, None), Some(part)));
    }
    Ok((refusal(RefusalReason::InUse), None))
}

/// Steps 34 to 36 with a lease: the code is this machine's until it reports.
fn lease(tx: &mut Tx<'_>, code: &str, machine: &Machine, now: Timestamp) -> DbResult<Scanned> {
    for _ in 0..LOOKS_MAX {
        let Some(seen) = store::find(tx, code)? else { return Ok((refusal(RefusalReason::NotFound), None)) };
        let granted = match model::scan(&seen, Some(&machine.device_id), now) {
            Scan::Refuse(reason) => return Ok((refusal(reason), None)),
            Scan::SameGrant(dispense_id) => same_grant(tx, code, machine, dispense_id)?,
            Scan::Pour => new_grant(tx, &seen, machine, now)?,
        };
        if let Some(scanned) = granted {
            return Ok(scanned);
        }
    }
    Ok((refusal(RefusalReason::InUse), None))
}

/// A lease for a machine that has none of this code. `None`: another request was faster.
fn new_grant(tx: &mut Tx<'_>, seen: &Code, machine: &Machine, now: Timestamp) -> DbResult<Option<Scanned>> {
    let Some(order) = store::lock_order(tx, seen.order_id)? else { return Ok(None) };
    let device = store::count_grant(tx, &machine.device_id)?;
    let dispense_id = DispenseId::new(now);
    let Some(leased) = store::take(tx, &seen.code, machine, (dispense_id, device.grants), now)? else {
        return Ok(None);
    };
    let duration_ms = model::duration_ms(leased.cup.dispense_ml, device.ml_per_second);
    store::open(tx, dispense_id, &leased, duration_ms, now)?;
    let part = ReceiptPart::read(tx, leased.order_id, &order)?;
    Ok(Some((permission(leased, duration_ms, Some(dispense_id)), Some(part))))
}

/// The grant that the machine has already: its answer may have been lost. It gets a new number, so that a heartbeat
/// that the machine sent before it asked again does not free it. `None`: the lease has just ended.
fn same_grant(tx: &mut Tx<'_>, code: &str, machine: &Machine, dispense_id: DispenseId) -> DbResult<Option<Scanned>> {
    let Some(dispense) = store::find_dispense(tx, dispense_id)? else { return Ok(None) };
    let device = store::count_grant(tx, &machine.device_id)?;
    let leased = store::renew(tx, code, machine, (dispense_id, device.grants))?;
    Ok(leased.map(|leased| (permission(leased, dispense.duration_ms, Some(dispense_id)), None)))
}

fn permission(code: Code, duration_ms: u32, dispense_id: Option<DispenseId>) -> ValidateCodeResponse {
    ValidateCodeResponse {
        valid: true,
        product_name: Some(code.cup.product_name),
        dispense_duration: Some(DispenseSeconds { millis: duration_ms }),
        dispense_id,
        reason: None,
    }
}

fn refusal(reason: RefusalReason) -> ValidateCodeResponse {
    ValidateCodeResponse {
        valid: false,
        product_name: None,
        dispense_duration: None,
        dispense_id: None,
        reason: Some(reason),
    }
}
