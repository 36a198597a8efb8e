//! devices, device_registry: the dispensers.

use contracts::{qr::PUMP_ML_PER_SECOND, time::Timestamp};
use db::{DbResult, Row, Tx};

use crate::model::DeviceJournal;

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// The journal that it writes now.
    pub(crate) journal_epoch: String,
    /// The number of its newest grant.
    pub(crate) grants: i64,
    /// The rate of its pump.
    pub(crate) ml_per_second: u32,
    /// Another journal that a heartbeat named and none has confirmed yet.
    pub(crate) candidate: Option<Candidate>,
}

/// A journal that waits for its confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) journal_epoch: String,
    /// The number that the confirming heartbeat must send back.
    pub(crate) grants: i64,
}

const COLUMNS: &str = "journal_epoch, grants, ml_per_second, candidate_epoch, candidate_grants";

impl Device {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        let candidate_epoch: Option<String> = row.get("candidate_epoch")?;
        let candidate_grants: Option<i64> = row.get("candidate_grants")?;
        let candidate =
            candidate_epoch.zip(candidate_grants).map(|(journal_epoch, grants)| Candidate { journal_epoch, grants });
        Ok(Self {
            journal_epoch: row.get("journal_epoch")?,
            grants: row.get("grants")?,
            ml_per_second: row.get("ml_per_second")?,
            candidate,
        })
    }
}

/// Records that the device was seen, and locks its row until the transaction ends. `None`: it is unknown.
pub(crate) fn touch_device(tx: &mut Tx<'_>, device_id: &str, now: Timestamp) -> DbResult<Option<Device>> {
    let sql = format!("UPDATE devices SET last_seen_at = $2 WHERE device_id = $1 RETURNING {COLUMNS}");
    tx.query_opt(&sql, (device_id, now), Device::from_row)
}

/// Locks the list of devices until the transaction ends: one transaction at a time adds a device.
pub(crate) fn lock_device_registry(tx: &mut Tx<'_>) -> DbResult<()> {
    tx.execute("UPDATE device_registry SET grants_floor = grants_floor WHERE id = 1", ()).map(drop)
}

/// How many devices are known.
pub(crate) fn count_devices(tx: &mut Tx<'_>) -> DbResult<u32> {
    tx.query_one("SELECT COUNT(*) AS devices FROM devices", (), |row| row.get("devices"))
}

/// Deletes the device that was not seen for the longest time and holds no lease. `false`: every device holds one, or
/// that device got one concurrently: PostgreSQL checks the outer condition again after it has waited for the row.
/// `ahead_of`: a later time was written while the clock ran ahead, and counts as the oldest.
pub(crate) fn evict_device(tx: &mut Tx<'_>, ahead_of: Timestamp) -> DbResult<bool> {
    const EVICT: &str = "
        DELETE FROM devices
         WHERE device_id = (SELECT d.device_id FROM devices d
                             WHERE NOT EXISTS (SELECT 1 FROM qr_codes c
                                                WHERE c.device_id = d.device_id AND c.status = 'LEASED')
                             ORDER BY CASE WHEN d.last_seen_at > $1 THEN 0 ELSE d.last_seen_at END, d.device_id
                             LIMIT 1)
           AND NOT EXISTS (SELECT 1 FROM qr_codes c
                            WHERE c.device_id = devices.device_id AND c.status = 'LEASED')
        RETURNING grants";
    const RAISE_FLOOR: &str = "UPDATE device_registry SET grants_floor = $1 WHERE id = 1 AND grants_floor < $1";
    let Some(grants) = tx.query_opt(EVICT, (ahead_of,), |row| row.get::<i64>("grants"))? else { return Ok(false) };
    tx.execute(RAISE_FLOOR, (grants,))?;
    Ok(true)
}

/// Adds a device whose current journal is this one.
pub(crate) fn insert_device(tx: &mut Tx<'_>, journal: &DeviceJournal, now: Timestamp) -> DbResult<Device> {
    let sql = format!(
        "INSERT INTO devices (device_id, journal_epoch, grants, ml_per_second, last_seen_at)
         SELECT $1, $2, grants_floor, $3, $4 FROM device_registry WHERE id = 1
         RETURNING {COLUMNS}"
    );
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_one(&sql, (device_id, journal_epoch, PUMP_ML_PER_SECOND, now), Device::from_row)
}

/// Gives the device's next grant its number: `grants` of the answer.
pub(crate) fn next_grant(tx: &mut Tx<'_>, device_id: &str) -> DbResult<Device> {
    let sql = format!("UPDATE devices SET grants = grants + 1 WHERE device_id = $1 RETURNING {COLUMNS}");
    tx.query_one(&sql, (device_id,), Device::from_row)
}

/// Makes this journal the candidate, in the place of any other, with a number that was never sent before.
pub(crate) fn propose_journal(tx: &mut Tx<'_>, journal: &DeviceJournal) -> DbResult<Device> {
    let sql = format!(
        "UPDATE devices SET grants = grants + 1, candidate_epoch = $2, candidate_grants = grants + 1
          WHERE device_id = $1
         RETURNING {COLUMNS}"
    );
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_one(&sql, (device_id, journal_epoch), Device::from_row)
}

/// Makes the candidate the current journal.
pub(crate) fn confirm_journal(tx: &mut Tx<'_>, journal: &DeviceJournal) -> DbResult<Device> {
    let sql = format!(
        "UPDATE devices SET journal_epoch = $2, candidate_epoch = NULL, candidate_grants = NULL
          WHERE device_id = $1
         RETURNING {COLUMNS}"
    );
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_one(&sql, (device_id, journal_epoch), Device::from_row)
}
