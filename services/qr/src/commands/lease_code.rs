//! Steps 34 to 36 for a dispenser: it gets a lease on the code, and reports how the grant ended.

use contracts::{ids::DispenseId, qr::RefusalReason, time::Timestamp};
use db::{DbResult, Tx};

use super::{
    check_in_device,
    effects::{Effects, ReceiptPart},
    redeem_code::ATTEMPTS_MAX,
    validate_code::{Scanned, permission, refusal, wrong_machine},
};
use crate::{
    error::QrError,
    model::{self, Code, DeviceJournal, Lease, Machine, ScanDecision},
    store,
};

/// Leases the code to the device if it pours, or repeats the grant that the device has already.
pub(super) fn lease(
    tx: &mut Tx<'_>,
    code: &str,
    machine: &Machine,
    journal: &DeviceJournal,
    now: Timestamp,
) -> Result<Scanned, QrError> {
    let device = check_in_device::require_current_journal(tx, machine, journal)?;
    for _ in 0..ATTEMPTS_MAX {
        let Some(found) = store::find_code(tx, code)? else {
            return Ok((refusal(RefusalReason::NotFound), Effects::default()));
        };
        let granted = match model::decide_lease(&found, &journal.device_id, now) {
            ScanDecision::Refuse(reason) => return Ok((refusal(reason), Effects::default())),
            ScanDecision::RepeatGrant(dispense_id) => repeat_grant(tx, code, journal, dispense_id)?,
            ScanDecision::Grant if !model::pours(&device.products, found.cup.product_id) => {
                return Ok((wrong_machine(tx, found.cup.product_id)?, Effects::default()));
            }
            ScanDecision::Grant => grant(tx, &found, journal, now)?,
        };
        if let Some(scanned) = granted {
            return Ok(scanned);
        }
    }
    Ok((refusal(RefusalReason::InUse), Effects::default()))
}

/// A new grant. `None`: another request was faster.
fn grant(tx: &mut Tx<'_>, found: &Code, journal: &DeviceJournal, now: Timestamp) -> DbResult<Option<Scanned>> {
    let Some(order) = store::lock_order(tx, found.order_id)? else { return Ok(None) };
    let device = store::next_grant(tx, &journal.device_id)?;
    let dispense_id = DispenseId::new(now);
    let lease = Lease { code: found.code.clone(), dispense_id, grant_number: device.grants };
    let Some(leased) = store::lease_code(tx, &lease, journal, now)? else { return Ok(None) };
    let duration_ms = model::duration_ms(leased.cup.dispense_ml, device.ml_per_second);
    store::insert_grant(tx, dispense_id, &leased, duration_ms, now)?;
    let part = ReceiptPart::read(tx, leased.order_id, &order)?;
    Ok(Some((permission(leased, duration_ms, Some(dispense_id)), Effects::receipt(part))))
}

/// The grant that the device has already, because the first answer may be lost. It gets a new number, so that a
/// heartbeat that the device sent before this scan does not release it. `None`: the lease has just ended.
fn repeat_grant(
    tx: &mut Tx<'_>,
    code: &str,
    journal: &DeviceJournal,
    dispense_id: DispenseId,
) -> DbResult<Option<Scanned>> {
    let Some(dispense) = store::find_dispense(tx, dispense_id)? else { return Ok(None) };
    let device = store::next_grant(tx, &journal.device_id)?;
    let lease = Lease { code: code.to_owned(), dispense_id, grant_number: device.grants };
    let leased = store::renew_grant(tx, &lease, journal)?;
    Ok(leased.map(|leased| (permission(leased, dispense.duration_ms, Some(dispense_id)), Effects::default())))
}
