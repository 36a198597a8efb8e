//! devices, former_journals: the machines.

use contracts::qr::PUMP_ML_PER_SECOND;
use db::{DbResult, Row, Tx};

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// The journal that it writes now.
    pub(crate) journal_epoch: String,
    /// How many grants it was told.
    pub(crate) grants: i64,
    /// What its pump moves.
    pub(crate) ml_per_second: u32,
}

impl Device {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        Ok(Self {
            journal_epoch: row.get("journal_epoch")?,
            grants: row.get("grants")?,
            ml_per_second: row.get("ml_per_second")?,
        })
    }
}

/// The machine, which may be new and then writes this journal. Other requests of it wait from now on.
pub(crate) fn heard(tx: &mut Tx<'_>, device_id: &str, journal_epoch: &str) -> DbResult<Device> {
    const SQL: &str = "
        INSERT INTO devices (device_id, journal_epoch, grants, ml_per_second) VALUES ($1, $2, 0, $3)
        ON CONFLICT (device_id) DO UPDATE SET grants = devices.grants
        RETURNING journal_epoch, grants, ml_per_second";
    tx.query_one(SQL, (device_id, journal_epoch, PUMP_ML_PER_SECOND), Device::from_row)
}

/// Counts a grant to the machine. The count is the grant's number.
pub(crate) fn count_grant(tx: &mut Tx<'_>, device_id: &str) -> DbResult<Device> {
    const SQL: &str = "
        UPDATE devices SET grants = grants + 1 WHERE device_id = $1 RETURNING journal_epoch, grants, ml_per_second";
    tx.query_one(SQL, (device_id,), Device::from_row)
}

/// Whether the machine wrote this journal before the one it writes now.
pub(crate) fn is_former_journal(tx: &mut Tx<'_>, device_id: &str, journal_epoch: &str) -> DbResult<bool> {
    const SQL: &str = "SELECT journal_epoch FROM former_journals WHERE device_id = $1 AND journal_epoch = $2";
    Ok(tx.query_opt(SQL, (device_id, journal_epoch), |row| row.get::<String>("journal_epoch"))?.is_some())
}

/// Notes that the machine writes a new journal from now on, after `former`.
pub(crate) fn begin_journal(tx: &mut Tx<'_>, device_id: &str, journal_epoch: &str, former: &str) -> DbResult<()> {
    const FORMER: &str = "INSERT INTO former_journals (device_id, journal_epoch) VALUES ($1, $2)";
    const NEW: &str = "UPDATE devices SET journal_epoch = $2 WHERE device_id = $1";
    tx.execute(FORMER, (device_id, former))?;
    tx.execute(NEW, (device_id, journal_epoch))?;
    Ok(())
}
