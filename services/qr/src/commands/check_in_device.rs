//! Every request of a device begins here: its row is written first, and its journal is compared.
//!
//! **Which journal is current.** A device whose flash was formatted writes a new journal, which knows nothing of the
//! leases of the one before. But a request that names another journal is no proof of that: it may be a delayed request
//! from before the formatting, which a device that sends its key as a bearer token does not number. So the server asks
//! back:
//!
//! 1. A heartbeat that names another journal changes nothing. The journal becomes the *candidate*, and the answer has
//!    `confirmed: false` and a `grants` number that was never sent before.
//! 2. A heartbeat of the candidate that sends this number back as `seenGrants` makes it current. A delayed request
//!    cannot know the number, and one request is not enough. The device's leases go to REVIEW.
//! 3. Until then the former journal stays current: it scans, pours and reports as before.
//! 4. Only the current journal can scan; any other is refused and must send heartbeats first. Therefore
//!    no journal gets a grant while another one is in use, and each code pours at most once.
//!
//! A journal that was displaced becomes current again in the same way, so nobody can lock a device out for good.
//!
//! **Which devices there are** the gateway says, by events. Until the first one arrives, the row is made of what the
//! device's credential says.
//!
//! **Lock order.** Who writes for a device locks in this order, so that no two transactions deadlock: the device's row,
//! the rows of orders by their ids, codes, dispense logs.

use contracts::time::Timestamp;
use db::{DbResult, Tx};

use super::{
    effects::Effects,
    release_lease::{Released, release},
};
use crate::{
    error::QrError,
    model::{ClosedBy, DeviceJournal, DispenseResult, Lease, Machine},
    store::{self, Device},
};

/// A heartbeat's journal.
pub(super) enum CheckIn {
    /// It is current. `effects`: how the leases of a journal that it just displaced ended.
    Current { device: Device, effects: Effects },
    /// It is a candidate: the next heartbeat must send back these grants.
    Unconfirmed { grants: i64 },
}

/// Checks in a device that sends a heartbeat.
pub(super) fn check_in(
    tx: &mut Tx<'_>,
    machine: &Machine,
    journal: &DeviceJournal,
    seen_grants: i64,
    now: Timestamp,
) -> Result<CheckIn, QrError> {
    let device = lock(tx, machine, Some(&journal.journal_epoch))?;
    if device.journal_epoch.as_ref() == Some(&journal.journal_epoch) {
        return Ok(CheckIn::Current { device, effects: Effects::default() });
    }
    match device.candidate.filter(|candidate| candidate.journal_epoch == journal.journal_epoch) {
        Some(candidate) if candidate.grants == seen_grants => {
            let device = store::confirm_journal(tx, journal)?;
            let effects = review_leases(tx, journal, now)?;
            Ok(CheckIn::Current { device, effects })
        }
        Some(candidate) => Ok(CheckIn::Unconfirmed { grants: candidate.grants }),
        None => Ok(CheckIn::Unconfirmed { grants: store::propose_journal(tx, journal)?.grants }),
    }
}

/// Checks in a device that scans a code.
///
/// # Errors
/// [`QrError::JournalNotCurrent`].
pub(super) fn require_current_journal(
    tx: &mut Tx<'_>,
    machine: &Machine,
    journal: &DeviceJournal,
) -> Result<Device, QrError> {
    let device = lock(tx, machine, Some(&journal.journal_epoch))?;
    if device.journal_epoch.as_ref() != Some(&journal.journal_epoch) {
        return Err(QrError::JournalNotCurrent(journal.clone()));
    }
    Ok(device)
}

/// Locks the device's row, which is at least as new as the device's credential.
pub(super) fn lock(tx: &mut Tx<'_>, machine: &Machine, journal_epoch: Option<&str>) -> Result<Device, QrError> {
    let device_id = machine.device_id.to_string();
    match store::lock_device(tx, &device_id, journal_epoch)? {
        Some(device) if device.version >= machine.version => return Ok(device),
        _ => store::put_device(tx, machine)?,
    }
    store::lock_device(tx, &device_id, journal_epoch)?.ok_or(QrError::NoDevice)
}

/// A new journal does not know what the device did with the leases of the journal before: staff must decide.
fn review_leases(tx: &mut Tx<'_>, journal: &DeviceJournal, now: Timestamp) -> DbResult<Effects> {
    let mut effects = Effects::default();
    for (order_id, lease) in store::list_leases(tx, &journal.device_id)? {
        // Also a grant that was repeated meanwhile.
        let lease = Lease { grant_number: i64::MAX, ..lease };
        let released = release(tx, order_id, &lease, DispenseResult::Unclear, ClosedBy::JournalReset, now)?;
        if let Some(Released { effects: released, .. }) = released {
            effects.add(released);
        }
    }
    Ok(effects)
}
