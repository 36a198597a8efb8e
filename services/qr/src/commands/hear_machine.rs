//! `POST /api/QrCode/heartbeat`: a machine says what it holds, so that no lease is kept for nobody.

use contracts::{
    qr::{DispenseOutcome, Heartbeat, HeartbeatAnswer},
    time::Micros,
};
use db::{DbError, DbResult, Tx};

use super::{Codes, checked_name, end_lease::end_lease, receipt_part::ReceiptPart};
use crate::{
    error::QrError,
    model::{self, Ending},
    store,
};

/// A machine pours one cup at a time; more than this in its journal is a defect of it.
const OPEN_DISPENSES_MAX: usize = 64;

impl Codes {
    /// Frees the leases that the machine knows of and does not hold, moves those of a lost journal to REVIEW, and
    /// answers how many grants the machine was ever given.
    ///
    /// # Errors
    /// [`QrError::Invalid`] where a name is empty or too long, or too much is open.
    pub async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<HeartbeatAnswer, QrError> {
        let open = heartbeat.open_dispenses.len();
        if open > OPEN_DISPENSES_MAX {
            let refusal = format!("openDispenses has {open} grants. A machine holds at most {OPEN_DISPENSES_MAX}.");
            return Err(QrError::Invalid(refusal));
        }
        let heartbeat = Heartbeat {
            device_id: checked_name("deviceId", heartbeat.device_id)?,
            journal_epoch: checked_name("journalEpoch", heartbeat.journal_epoch)?,
            ..heartbeat
        };
        let now = self.clock.now();
        let (answer, parts) = self.db.write::<_, DbError, _>(move |tx| hear(tx, &heartbeat, now)).await?;
        self.show(parts).await;
        Ok(answer)
    }
}

fn hear(tx: &mut Tx<'_>, heartbeat: &Heartbeat, now: Micros) -> DbResult<(HeartbeatAnswer, Vec<ReceiptPart>)> {
    let Heartbeat { device_id, journal_epoch, open_dispenses, seen_grants } = heartbeat;
    let leases = store::leased_by(tx, device_id)?;
    let seen_grants = model::believable_grants(*seen_grants, store::grants_of(tx, device_id)?);
    let mut parts = Vec::new();
    for (order_id, lease) in leases {
        let Some(ending) = model::ending_by_heartbeat(&lease, journal_epoch, open_dispenses, seen_grants) else {
            continue;
        };
        let report = match ending {
            Ending::GivenBack => Some((DispenseOutcome::NotPoured, 0)),
            Ending::Review | Ending::Used { .. } => None,
        };
        parts.extend(end_lease(tx, order_id, &lease, ending, report, now)?.map(|ended| ended.part));
    }
    let device = store::heard(tx, device_id, journal_epoch, now)?;
    Ok((HeartbeatAnswer { grants: device.grants }, parts))
}
