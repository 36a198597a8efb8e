//! The SQL of `pairing_codes`.

use contracts::time::Timestamp;
use db::{DbResult, Row, Tx, json};

use crate::model::Pairing;

const COLUMNS: &str = "kind, name, place, device_id, created_by, expires_at";

/// Puts a code into a slot that is free. `false`: a code that waits to be used has it.
pub(crate) fn put_pairing_code(
    tx: &mut Tx<'_>,
    slot: u32,
    code_hash: &str,
    pairing: &Pairing,
    now: Timestamp,
) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO pairing_codes (slot, code_hash, kind, name, place, device_id, created_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (slot) DO UPDATE
           SET code_hash = excluded.code_hash, kind = excluded.kind, name = excluded.name, place = excluded.place,
               device_id = excluded.device_id, created_by = excluded.created_by, created_at = excluded.created_at,
               expires_at = excluded.expires_at, used_at = NULL
         WHERE pairing_codes.used_at IS NOT NULL OR pairing_codes.expires_at <= excluded.created_at";
    let Pairing { kind, name, place, device_id, created_by, expires_at } = pairing;
    let created_by = json(created_by)?;
    let params = (slot, code_hash, *kind, name, place.as_deref(), *device_id, created_by, now, *expires_at);
    Ok(tx.execute(SQL, params)? == 1)
}

/// What a code that waits to be used makes of a device.
pub(crate) fn find_pairing(tx: &mut Tx<'_>, code_hash: &str, now: Timestamp) -> DbResult<Option<Pairing>> {
    let sql =
        format!("SELECT {COLUMNS} FROM pairing_codes WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2");
    tx.query_opt(&sql, (code_hash, now), pairing)
}

/// Uses a code. `None`: it was used, has expired, or does not exist.
pub(crate) fn use_pairing_code(tx: &mut Tx<'_>, code_hash: &str, now: Timestamp) -> DbResult<Option<Pairing>> {
    let sql = format!(
        "UPDATE pairing_codes SET used_at = $2
          WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
         RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, (code_hash, now), pairing)
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
