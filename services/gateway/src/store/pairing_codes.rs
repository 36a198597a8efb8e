//! The SQL of `pairing_codes`.

use contracts::{ids::DeviceId, time::Timestamp};
use db::{DbResult, Row, Tx, json};

use crate::model::Pairing;

const COLUMNS: &str = "kind, name, place, device_id, created_by, expires_at";

/// A code that was used, and may be named again by the same request.
pub(crate) struct UsedCode {
    pub(crate) used_at: Timestamp,
    /// The device that it made. `None`: none yet.
    pub(crate) device_id: Option<DeviceId>,
    /// Of the request that used it. `None`: it cannot be repeated.
    pub(crate) retry_hash: Option<String>,
}

/// Puts a code into a slot whose code has expired, or was used at `used_before` or earlier. `false`: it is not free.
pub(crate) fn put_pairing_code(
    tx: &mut Tx<'_>,
    slot: u32,
    code_hash: &str,
    pairing: &Pairing,
    now: Timestamp,
    used_before: Timestamp,
) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO pairing_codes (slot, code_hash, kind, name, place, device_id, created_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (slot) DO UPDATE
           SET code_hash = excluded.code_hash, kind = excluded.kind, name = excluded.name, place = excluded.place,
               device_id = excluded.device_id, created_by = excluded.created_by, created_at = excluded.created_at,
               expires_at = excluded.expires_at, used_at = NULL, paired_device_id = NULL, retry_hash = NULL
         WHERE pairing_codes.used_at <= $10 OR pairing_codes.expires_at <= excluded.created_at";
    let Pairing { kind, name, place, device_id, created_by, expires_at } = pairing;
    let created_by = json(created_by)?;
    let place = place.as_deref();
    let params = (slot, code_hash, *kind, name, place, *device_id, created_by, now, *expires_at, used_before);
    Ok(tx.execute(SQL, params)? == 1)
}

/// What a code that waits to be used makes of a device.
pub(crate) fn find_pairing(tx: &mut Tx<'_>, code_hash: &str, now: Timestamp) -> DbResult<Option<Pairing>> {
    let sql =
        format!("SELECT {COLUMNS} FROM pairing_codes WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2");
    tx.query_opt(&sql, (code_hash, now), pairing)
}

/// Uses a code. `retry_hash`: the request that does it. `None`: it was used, has expired, or does not exist.
pub(crate) fn use_pairing_code(
    tx: &mut Tx<'_>,
    code_hash: &str,
    retry_hash: Option<&str>,
    now: Timestamp,
) -> DbResult<Option<Pairing>> {
    let sql = format!(
        "UPDATE pairing_codes SET used_at = $2, retry_hash = $3
          WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
         RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, (code_hash, now, retry_hash), pairing)
}

/// A code made this device.
pub(crate) fn set_paired_device(tx: &mut Tx<'_>, code_hash: &str, device_id: DeviceId) -> DbResult<()> {
    const SQL: &str = "UPDATE pairing_codes SET paired_device_id = $2 WHERE code_hash = $1";
    tx.execute(SQL, (code_hash, device_id)).map(drop)
}

/// A code that was used and would not have expired yet.
pub(crate) fn find_used_code(tx: &mut Tx<'_>, code_hash: &str, now: Timestamp) -> DbResult<Option<UsedCode>> {
    const SQL: &str = "
        SELECT used_at, paired_device_id, retry_hash FROM pairing_codes
         WHERE code_hash = $1 AND used_at IS NOT NULL AND expires_at > $2";
    tx.query_opt(SQL, (code_hash, now), |row| {
        let (used_at, device_id) = (row.get("used_at")?, row.get("paired_device_id")?);
        Ok(UsedCode { used_at, device_id, retry_hash: row.get("retry_hash")? })
    })
}

fn pairing(row: &Row<'_>) -> DbResult<Pairing> {
    Ok(Pairing {
        kind: row.get("kind")?,
        name: row.get("name")?,
        place: row.get("place")?,
        device_id: row.get("device_id")?,
        created_by: row.json("created_by")?,
        expires_at: row.get("expires_at")?,
    })
}
