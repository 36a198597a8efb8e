//! Every request of a machine begins here: its row is written first, and its journal is compared.
//!
//! Who writes for a machine writes in this order, so that no two wait for each other in a circle: the machine's row,
//! the rows of orders in the order of their ids, codes, logs.

use contracts::time::Timestamp;
use db::Tx;

use super::{end_lease::end_lease, receipt_part::ReceiptPart};
use crate::{
    error::QrError,
    model::{Account, Ending, HeldLease},
    store::{self, Device},
};

/// A machine that was met.
pub(super) struct Met {
    pub(super) device: Device,
    /// What its new journal changed; `None`: it writes the journal that it wrote before.
    pub(super) lost: Option<Vec<ReceiptPart>>,
}

/// Meets a machine that writes this journal. A new journal does not know what the machine did with its leases: a person
/// must look.
///
/// # Errors
/// [`QrError::FormerJournal`] where the machine wrote another one since: the request comes late, and does nothing. It
/// must not look like a journal that was lost, because the machine may still pour what a person would then decide on.
pub(super) fn meet(tx: &mut Tx<'_>, device_id: &str, journal_epoch: &str, now: Timestamp) -> Result<Met, QrError> {
    let device = store::heard(tx, device_id, journal_epoch)?;
    if device.journal_epoch == journal_epoch {
        return Ok(Met { device, lost: None });
    }
    if store::is_former_journal(tx, device_id, journal_epoch)? {
        let (device_id, journal_epoch) = (device_id.to_owned(), journal_epoch.to_owned());
        return Err(QrError::FormerJournal { device_id, journal_epoch });
    }
    store::begin_journal(tx, device_id, journal_epoch, &device.journal_epoch)?;
    let mut parts = Vec::new();
    for (order_id, lease) in store::leased_by(tx, device_id)? {
        // Whatever was told again meanwhile, to a journal that is lost.
        let lease = HeldLease { grant_number: i64::MAX, ..lease };
        let ended = end_lease(tx, order_id, &lease, Ending::Review, Account::Unknown, now)?;
        parts.extend(ended.map(|ended| ended.part));
    }
    Ok(Met { device, lost: Some(parts) })
}
