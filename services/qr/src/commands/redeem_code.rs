//! Steps 34 to 36 for a caller without the lease protocol: the code is USED at once.

use contracts::{
    event::DispenseCompleted,
    ids::DispenseId,
    qr::{PUMP_ML_PER_SECOND, RefusalReason},
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::{
    effects::{Effects, ReceiptPart},
    validate_code::{Scanned, permission, refusal},
};
use crate::{
    error::QrError,
    model::{self, Code, ScanDecision},
    store,
};

/// A second attempt reads what a faster request committed, so there is never a third.
pub(super) const ATTEMPTS_MAX: u32 = 2;

/// Redeems the code if it pours: at most once.
pub(super) fn redeem(tx: &mut Tx<'_>, code: &str, now: Timestamp) -> Result<Scanned, QrError> {
    for _ in 0..ATTEMPTS_MAX {
        let Some(found) = store::find_code(tx, code)? else {
            return Ok((refusal(RefusalReason::NotFound), Effects::default()));
        };
        if let ScanDecision::Refuse(reason) = model::decide_redeem(&found, now) {
            return Ok((refusal(reason), Effects::default()));
        }
        if let Some(scanned) = redeem_found(tx, &found, now)? {
            return Ok(scanned);
        }
    }
    Ok((refusal(RefusalReason::InUse), Effects::default()))
}

/// `None`: another request was faster.
fn redeem_found(tx: &mut Tx<'_>, found: &Code, now: Timestamp) -> DbResult<Option<Scanned>> {
    let Some(order) = store::lock_order(tx, found.order_id)? else { return Ok(None) };
    let dispense_id = DispenseId::new(now);
    let Some(used) = store::redeem_code(tx, &found.code, dispense_id, now)? else { return Ok(None) };
    let duration_ms = model::duration_ms(used.cup.dispense_ml, PUMP_ML_PER_SECOND);
    store::insert_completed(tx, dispense_id, &used, duration_ms, now)?;
    outbox::append(tx, &DispenseCompleted { code: used.view(), poured_ms: None }, now)?;
    let part = ReceiptPart::read(tx, used.order_id, &order)?;
    Ok(Some((permission(used, duration_ms, None), Effects { codes_poured: 1, ..Effects::receipt(part) })))
}
