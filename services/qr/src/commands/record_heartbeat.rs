//! `POST /api/QrCode/heartbeat`: a device reports which grants it holds, so that no lease is kept for nobody.

use contracts::{
    qr::{Heartbeat, HeartbeatResponse, OPEN_DISPENSES_MAX},
    time::Timestamp,
};
use db::Tx;

use super::{
    Codes, check_device_text,
    check_in_device::{CheckIn, check_in},
    effects::Effects,
    release_lease::{Released, release},
};
use crate::{
    error::QrError,
    model::{self, ClosedBy, DeviceJournal, DispenseResult, HeartbeatState, Machine},
    store,
};

impl Codes {
    /// Releases the leases that the device knows of and does not hold, and returns the number of its newest grant. A
    /// journal that is not current changes nothing until a second heartbeat confirms it.
    ///
    /// # Errors
    /// [`QrError::InvalidDeviceText`], [`QrError::TooManyOpenDispenses`].
    #[tracing::instrument(level = "debug", skip_all, fields(device_id = %machine.device_id))]
    pub(crate) async fn record_heartbeat(
        &self,
        machine: Machine,
        heartbeat: Heartbeat,
    ) -> Result<HeartbeatResponse, QrError> {
        let open = heartbeat.open_dispenses.len();
        if open > OPEN_DISPENSES_MAX {
            return Err(QrError::TooManyOpenDispenses(open));
        }
        let open_attempt_id = heartbeat.open_attempt_id.map(|id| check_device_text("openAttemptId", id)).transpose()?;
        let heartbeat = Heartbeat {
            journal_epoch: check_device_text("journalEpoch", heartbeat.journal_epoch)?,
            open_attempt_id,
            ..heartbeat
        };
        let now = self.clock.now();
        self.write(move |tx| record(tx, &machine, &heartbeat, now)).await
    }
}

fn record(
    tx: &mut Tx<'_>,
    machine: &Machine,
    heartbeat: &Heartbeat,
    now: Timestamp,
) -> Result<(HeartbeatResponse, Effects), QrError> {
    let Heartbeat { journal_epoch, open_dispenses, seen_grants, open_attempt_id } = heartbeat;
    let journal = DeviceJournal { device_id: machine.device_id.to_string(), journal_epoch: journal_epoch.clone() };
    let (device, mut effects) = match check_in(tx, machine, &journal, *seen_grants, now)? {
        CheckIn::Current { device, effects } => (device, effects),
        CheckIn::Unconfirmed { grants } => {
            return Ok((HeartbeatResponse { grants, confirmed: false }, Effects::default()));
        }
    };
    let seen_grants = model::believable_grants(*seen_grants, device.grants);
    let state = HeartbeatState { open_dispenses, awaits_scan: open_attempt_id.is_some(), seen_grants };
    for (order_id, lease) in store::list_leases(tx, &journal.device_id)? {
        if !model::is_released_by(&lease, state) {
            continue;
        }
        let released = release(tx, order_id, &lease, DispenseResult::NotPoured, ClosedBy::Heartbeat, now)?;
        if let Some(Released { effects: released, .. }) = released {
            effects.add(released);
        }
    }
    Ok((HeartbeatResponse { grants: device.grants, confirmed: true }, effects))
}
