//! How every lease ends: the code, the log of the grant, the event and the receipt, in one transaction.

use contracts::{
    event::{DispenseCompleted, DispenseFailed},
    ids::OrderId,
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::{
    append_codes_issued,
    effects::{Effects, ReceiptPart},
};
use crate::{
    model::{self, ClosedBy, Code, DispenseResult, Lease},
    store,
};

/// A code whose grant ended, and what follows.
pub(super) struct Released {
    pub(super) code: Code,
    pub(super) effects: Effects,
}

/// Ends the lease with this result. `None`: the lease ended before, or its device got the grant again meanwhile.
pub(super) fn release(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    lease: &Lease,
    result: DispenseResult,
    closed_by: ClosedBy,
    now: Timestamp,
) -> DbResult<Option<Released>> {
    let Some(order) = store::lock_order(tx, order_id)? else { return Ok(None) };
    let to = model::status_after(result, order.is_open);
    let Some(code) = store::release_lease(tx, lease, to, model::released_until(now), now)? else { return Ok(None) };
    store::close_dispense(tx, lease.dispense_id, closed_by, now)?;
    append_result(tx, &code, result, closed_by, now)?;
    let part = ReceiptPart::read(tx, order_id, &order)?;
    Ok(Some(Released { code, effects: Effects { codes_poured: poured(result), ..Effects::receipt(part) } }))
}

/// Publishes how a grant ended.
pub(super) fn append_result(
    tx: &mut Tx<'_>,
    code: &Code,
    result: DispenseResult,
    closed_by: ClosedBy,
    now: Timestamp,
) -> DbResult<()> {
    match result {
        DispenseResult::Poured { poured_ms } => {
            outbox::append(tx, &DispenseCompleted { code: code.view(), poured_ms }, now)
        }
        DispenseResult::NotPoured => append_codes_issued(tx, code.order_id, std::slice::from_ref(code), now),
        DispenseResult::Unclear => append_failure(tx, code, closed_by, now),
    }
}

/// Publishes that staff must look at a cup.
pub(super) fn append_failure(tx: &mut Tx<'_>, code: &Code, closed_by: ClosedBy, now: Timestamp) -> DbResult<()> {
    let (outcome, poured_ms) = (closed_by.outcome(), closed_by.poured_ms());
    outbox::append(tx, &DispenseFailed { code: code.view(), outcome, poured_ms }, now)
}

/// How many cups this result pours.
pub(super) fn poured(result: DispenseResult) -> usize {
    usize::from(matches!(result, DispenseResult::Poured { .. }))
}
