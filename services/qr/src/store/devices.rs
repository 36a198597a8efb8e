//! devices: the machines.

use contracts::time::Micros;
use db::{DbResult, Row, Tx};

/// A machine, as far as a grant needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// How many grants it was ever given.
    pub(crate) grants: i64,
    /// What its pump moves.
    pub(crate) ml_per_second: u32,
}

impl Device {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        Ok(Self { grants: row.get("grants")?, ml_per_second: row.get("ml_per_second")? })
    }
}

/// Counts a grant to the machine, which may be new. The count is the grant's number.
pub(crate) fn grant(tx: &mut Tx<'_>, device_id: &str, journal_epoch: &str, now: Micros) -> DbResult<Device> {
    const SQL: &str = "
        INSERT INTO devices (device_id, journal_epoch, grants, seen_at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (device_id) DO UPDATE
           SET journal_epoch = excluded.journal_epoch, grants = devices.grants + 1, seen_at = excluded.seen_at
        RETURNING grants, ml_per_second";
    tx.query_one(SQL, (device_id, journal_epoch, now), Device::from_row)
}

/// How many grants the machine was ever given.
pub(crate) fn grants_of(tx: &mut Tx<'_>, device_id: &str) -> DbResult<i64> {
    const SQL: &str = "SELECT grants FROM devices WHERE device_id = $1";
    Ok(tx.query_opt(SQL, (device_id,), |row| row.get("grants"))?.unwrap_or_default())
}

/// Notes that the machine, which may be new, lives.
pub(crate) fn heard(tx: &mut Tx<'_>, device_id: &str, journal_epoch: &str, now: Micros) -> DbResult<Device> {
    const SQL: &str = "
        INSERT INTO devices (device_id, journal_epoch, grants, seen_at) VALUES ($1, $2, 0, $3)
        ON CONFLICT (device_id) DO UPDATE SET journal_epoch = excluded.journal_epoch, seen_at = excluded.seen_at
        RETURNING grants, ml_per_second";
    tx.query_one(SQL, (device_id, journal_epoch, now), Device::from_row)
}
