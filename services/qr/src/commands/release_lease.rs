//! How every lease ends: the code, the log of the grant, the word to the others and the receipt, in one transaction.

use contracts::{
    event::{DispenseCompleted, DispenseFailed},
    ids::OrderId,
    qr::CodeStatus,
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::{receipt_part::ReceiptPart, tell};
use crate::{
    model::{self, Account, Code, Ending, HeldLease},
    store,
};

/// A lease that was ended.
pub(super) struct Ended {
    pub(super) code: Code,
    pub(super) part: ReceiptPart,
}

/// Ends the lease as `ending` says; `account` is whose word that is. `None`: the lease was ended before, or its machine
/// was told of it again meanwhile.
pub(super) fn end_lease(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    lease: &HeldLease,
    ending: Ending,
    account: Account,
    now: Timestamp,
) -> DbResult<Option<Ended>> {
    let Some(order) = store::lock_order(tx, order_id)? else { return Ok(None) };
    let to = status_after(ending, order.is_open);
    let grant = (lease.dispense_id, lease.grant_number);
    let Some(code) = store::end_lease(tx, &lease.code, grant, to, model::given_back_until(now), now)? else {
        return Ok(None);
    };
    store::close(tx, lease.dispense_id, account, now)?;
    say(tx, &code, ending, account, now)?;
    let part = ReceiptPart::read(tx, order_id, &order)?;
    Ok(Some(Ended { code, part }))
}

/// What is given back pours again, unless its order is over by now: then staff handed the drink over, or the money
/// goes back.
pub(super) fn status_after(ending: Ending, order_is_open: bool) -> CodeStatus {
    match ending {
        Ending::Used { .. } => CodeStatus::Used,
        Ending::Review => CodeStatus::Review,
        Ending::GivenBack if order_is_open => CodeStatus::Active,
        Ending::GivenBack => CodeStatus::Void,
    }
}

/// Tells the others how a grant ended.
pub(super) fn say(tx: &mut Tx<'_>, code: &Code, ending: Ending, account: Account, now: Timestamp) -> DbResult<()> {
    match ending {
        Ending::Used { poured_ms } => outbox::append(tx, &DispenseCompleted { code: code.view(), poured_ms }, now),
        Ending::GivenBack => tell(tx, code.order_id, std::slice::from_ref(code), now),
        Ending::Review => {
            let (outcome, poured_ms) = (account.outcome(), account.poured_ms());
            outbox::append(tx, &DispenseFailed { code: code.view(), outcome, poured_ms }, now)
        }
    }
}
