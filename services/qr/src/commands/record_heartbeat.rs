//! `POST /api/QrCode/heartbeat`: a machine says what it holds, so that no lease is kept for nobody.

use contracts::{
    qr::{Heartbeat, HeartbeatResponse},
    time::Timestamp,
};
use db::Tx;

use super::{Codes, checked_name, end_lease::end_lease, meet_machine::meet, receipt_part::ReceiptPart};
use crate::{
    error::QrError,
    model::{self, Account, Ending, Holding},
    store,
};

/// A machine pours one cup at a time; more than this in its journal is a defect of it.
const OPEN_DISPENSES_MAX: usize = 64;

impl Codes {
    /// Frees the leases that the machine was told of and does not hold, unless it waits for an answer, moves those of
    /// a lost journal to REVIEW, and answers how many grants the machine was ever told.
    ///
    /// # Errors
    /// [`QrError::Invalid`] where a name is empty or too long, or too much is open; [`QrError::FormerJournal`].
    pub(crate) async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<HeartbeatResponse, QrError> {
        let open = heartbeat.open_dispenses.len();
        if open > OPEN_DISPENSES_MAX {
            return Err(QrError::Invalid(format!(
                "openDispenses has {open} grants; a machine holds at most {OPEN_DISPENSES_MAX}. Report those that have \
                 ended first (POST /api/QrCode/{{code}}/complete), then send the rest."
            )));
        }
        let open_attempt_id = heartbeat.open_attempt_id.map(|id| checked_name("openAttemptId", id)).transpose()?;
        let heartbeat = Heartbeat {
            device_id: checked_name("deviceId", heartbeat.device_id)?,
            journal_epoch: checked_name("journalEpoch", heartbeat.journal_epoch)?,
            open_attempt_id,
            ..heartbeat
        };
        let now = self.clock.now();
        self.write_and_show(move |tx| hear(tx, &heartbeat, now)).await
    }
}

fn hear(
    tx: &mut Tx<'_>,
    heartbeat: &Heartbeat,
    now: Timestamp,
) -> Result<(HeartbeatResponse, Vec<ReceiptPart>), QrError> {
    let Heartbeat { device_id, journal_epoch, open_dispenses, seen_grants, open_attempt_id } = heartbeat;
    let met = meet(tx, device_id, journal_epoch, now)?;
    let seen_grants = model::believable_grants(*seen_grants, met.device.grants);
    let holding = Holding { open_dispenses, is_asking: open_attempt_id.is_some(), seen_grants };
    let mut parts = met.lost.unwrap_or_default();
    for (order_id, lease) in store::leased_by(tx, device_id)? {
        if model::is_freed(&lease, holding) {
            let ended = end_lease(tx, order_id, &lease, Ending::GivenBack, Account::NotHeld, now)?;
            parts.extend(ended.map(|ended| ended.part));
        }
    }
    Ok((HeartbeatResponse { grants: met.device.grants }, parts))
}
