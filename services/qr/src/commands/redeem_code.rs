//! Steps 34 to 36 for a caller without the lease protocol: the code is USED at once.

use contracts::{
    audit::Actor,
    event::DispenseCompleted,
    ids::DispenseId,
    qr::{CodeStatus, PUMP_ML_PER_SECOND, RefusalReason},
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::{
    audit::{CodeAct, append_status_change},
    check_in_device,
    effects::{Effects, ReceiptPart},
    validate_code::{Scanned, permission, refusal, wrong_machine},
};
use crate::{
    error::QrError,
    model::{self, Code, Machine, ScanDecision},
    store::{self, Device},
};

/// A second attempt reads what a faster request committed, so there is never a third.
pub(super) const ATTEMPTS_MAX: u32 = 2;

/// Redeems the code if it pours: at most once. `machine`: the dispenser that scanned it; `None`: a person hands the drink
/// over.
pub(super) fn redeem(
    tx: &mut Tx<'_>,
    code: &str,
    machine: Option<&Machine>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Scanned, QrError> {
    let device = machine.map(|machine| check_in_device::lock(tx, machine, None)).transpose()?;
    for _ in 0..ATTEMPTS_MAX {
        let Some(found) = store::find_code(tx, code)? else {
            return Ok((refusal(RefusalReason::NotFound), Effects::default()));
        };
        if let ScanDecision::Refuse(reason) = model::decide_redeem(&found, now) {
            return Ok((refusal(reason), Effects::default()));
        }
        if device.as_ref().is_some_and(|device| !model::pours(&device.products, found.cup.product_id)) {
            return Ok((wrong_machine(tx, found.cup.product_id)?, Effects::default()));
        }
        if let Some(scanned) = redeem_found(tx, &found, machine.zip(device.as_ref()), now)? {
            if machine.is_none() {
                append_redeemed_by_hand(tx, actor, &found, now)?;
            }
            return Ok(scanned);
        }
    }
    Ok((refusal(RefusalReason::InUse), Effects::default()))
}

/// The audit trail keeps who hands a drink over.
fn append_redeemed_by_hand(tx: &mut Tx<'_>, actor: &Actor, found: &Code, now: Timestamp) -> DbResult<()> {
    let act = CodeAct { actor, action: "code.redeemed", code: found };
    append_status_change(tx, &act, found.status, CodeStatus::Used, now)
}

/// `pouring`: the dispenser that pours. `None`: another request was faster.
fn redeem_found(
    tx: &mut Tx<'_>,
    found: &Code,
    pouring: Option<(&Machine, &Device)>,
    now: Timestamp,
) -> DbResult<Option<Scanned>> {
    let device_id = pouring.map(|(machine, _)| machine.device_id.to_string());
    let ml_per_second = pouring.map_or(PUMP_ML_PER_SECOND, |(_, device)| device.ml_per_second);
    let Some(order) = store::lock_order(tx, found.order_id)? else { return Ok(None) };
    let dispense_id = DispenseId::new(now);
    let Some(used) = store::redeem_code(tx, &found.code, dispense_id, now)? else { return Ok(None) };
    let duration_ms = model::duration_ms(used.cup.dispense_ml, ml_per_second);
    store::insert_completed(tx, dispense_id, &used, device_id.as_deref(), duration_ms, now)?;
    outbox::append(tx, &DispenseCompleted { code: used.view(), poured_ms: None }, now)?;
    let part = ReceiptPart::read(tx, used.order_id, &order)?;
    Ok(Some((permission(used, duration_ms, None), Effects { codes_poured: 1, ..Effects::receipt(part) })))
}
