//! The SQL of `devices`.

use access::SigningKey;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::DeviceId,
    time::Timestamp,
};
use db::{DbError, DbResult, Row, Tx, json};

const COLUMNS: &str = "device_id, kind, name, place, letter, products, ml_per_second, is_bearer_allowed, signing_key, \
                       paired_at, last_seen_at, revoked_at, revoke_reason, key_version, version";

/// A device, with its key if it is a dispenser.
pub(crate) struct StoredDevice {
    pub(crate) view: DeviceView,
    pub(crate) signing_key: Option<SigningKey>,
}

/// Inserts a device. `false`: another device in use has its letter or its name.
pub(crate) fn insert_device(tx: &mut Tx<'_>, view: &DeviceView, key: Option<&SigningKey>) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO devices (device_id, kind, name, name_key, place, letter, products, ml_per_second,
                             is_bearer_allowed, signing_key, paired_at, key_version, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT DO NOTHING";
    let params = (
        view.device_id,
        view.kind,
        &view.name,
        name_key(&view.name),
        view.place.as_deref(),
        view.letter.as_deref(),
        json(&view.products)?,
        view.ml_per_second,
        view.is_bearer_allowed,
        key.map(SigningKey::to_text),
        view.paired_at,
        view.key_version,
        view.version,
    );
    Ok(tx.execute(SQL, params)? == 1)
}

/// Whether a device in use has this name. `except`: one that may have it.
pub(crate) fn is_name_taken(tx: &mut Tx<'_>, name: &str, except: Option<DeviceId>) -> DbResult<bool> {
    const SQL: &str = "SELECT device_id FROM devices WHERE name_key = $1 AND revoked_at IS NULL";
    let holder: Option<DeviceId> = tx.query_opt(SQL, (name_key(name),), |row| row.get("device_id"))?;
    Ok(holder.is_some_and(|holder| except != Some(holder)))
}

/// How many devices are in use.
pub(crate) fn count_devices_in_use(tx: &mut Tx<'_>) -> DbResult<u32> {
    const SQL: &str = "SELECT COUNT(*) AS devices FROM devices WHERE revoked_at IS NULL";
    tx.query_one(SQL, (), |row| row.get("devices"))
}

/// The letters of the devices in use.
pub(crate) fn list_letters(tx: &mut Tx<'_>) -> DbResult<Vec<String>> {
    const SQL: &str = "SELECT letter FROM devices WHERE revoked_at IS NULL AND letter IS NOT NULL";
    tx.query(SQL, (), |row| row.get("letter"))
}

/// One device.
pub(crate) fn find_device(tx: &mut Tx<'_>, device_id: DeviceId) -> DbResult<Option<DeviceView>> {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE device_id = $1");
    tx.query_opt(&sql, (device_id,), view)
}

/// The devices in use by their age, then those that were revoked, the last first: `limit` at most.
pub(crate) fn list_devices(tx: &mut Tx<'_>, limit: u32) -> DbResult<Vec<DeviceView>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM devices ORDER BY COALESCE(-revoked_at, -9223372036854775807), paired_at, device_id LIMIT $1"
    );
    tx.query(&sql, (limit,), view)
}

/// The devices in use, then those that were revoked after `revoked_after`, the last first: `limit` at most.
pub(crate) fn list_devices_to_load(
    tx: &mut Tx<'_>,
    revoked_after: Timestamp,
    limit: u32,
) -> DbResult<Vec<StoredDevice>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM devices WHERE revoked_at IS NULL OR revoked_at > $1
          ORDER BY COALESCE(-revoked_at, -9223372036854775807) LIMIT $2"
    );
    tx.query(&sql, (revoked_after, limit), stored)
}

/// A device in use that was paired at `paired_at` and not again since.
pub(crate) fn find_paired_at(
    tx: &mut Tx<'_>,
    device_id: DeviceId,
    paired_at: Timestamp,
) -> DbResult<Option<StoredDevice>> {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE device_id = $1 AND paired_at = $2 AND revoked_at IS NULL");
    tx.query_opt(&sql, (device_id, paired_at), stored)
}

/// Replaces what the owner writes of a device in use whose version is the one before. `None`: it is no longer.
/// [`DbError::Unique`]: another device in use has its name.
pub(crate) fn replace_device(tx: &mut Tx<'_>, device: &DeviceView) -> DbResult<Option<DeviceView>> {
    let sql = format!(
        "UPDATE devices SET name = $3, place = $4, products = $5, ml_per_second = $6, is_bearer_allowed = $7,
                            name_key = $8, version = version + 1
          WHERE device_id = $1 AND version = $2 - 1 AND revoked_at IS NULL
         RETURNING {COLUMNS}"
    );
    let DeviceView { device_id, version, name, place, products, ml_per_second, is_bearer_allowed, .. } = device;
    let (products, key) = (json(products)?, name_key(name));
    let params = (*device_id, *version, name, place.as_deref(), products, *ml_per_second, *is_bearer_allowed, key);
    tx.query_opt(&sql, params, view)
}

/// Revokes a device in use. `None`: it was revoked before, or does not exist.
pub(crate) fn revoke_device(
    tx: &mut Tx<'_>,
    device_id: DeviceId,
    reason: &str,
    now: Timestamp,
) -> DbResult<Option<DeviceView>> {
    let sql = format!(
        "UPDATE devices SET revoked_at = $2, revoke_reason = $3, version = version + 1
          WHERE device_id = $1 AND revoked_at IS NULL
         RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, (device_id, now, reason), view)
}

/// Gives a dispenser in use another key, which it may not send as a bearer token until the owner allows it again. `None`: it was revoked, or is no dispenser.
pub(crate) fn rotate_key(
    tx: &mut Tx<'_>,
    device_id: DeviceId,
    key: &SigningKey,
    now: Timestamp,
) -> DbResult<Option<DeviceView>> {
    let sql = format!(
        "UPDATE devices SET signing_key = $2, paired_at = $3, is_bearer_allowed = 0, key_version = key_version + 1,
                            version = version + 1
          WHERE device_id = $1 AND revoked_at IS NULL AND kind = $4
         RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, (device_id, key.to_text(), now, DeviceKind::Dispenser), view)
}

/// The device called at `at`.
pub(crate) fn record_seen(tx: &mut Tx<'_>, device_id: DeviceId, at: Timestamp) -> DbResult<()> {
    tx.execute("UPDATE devices SET last_seen_at = $2 WHERE device_id = $1", (device_id, at)).map(drop)
}

/// What is compared: two devices with the same key could not be told apart.
fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

fn stored(row: &Row<'_>) -> DbResult<StoredDevice> {
    let key: Option<String> = row.get("signing_key")?;
    let key = key.map(|key| SigningKey::parse(&key)).transpose();
    let signing_key =
        key.map_err(|error| DbError::Column { column: "signing_key".into(), reason: error.to_string() })?;
    Ok(StoredDevice { view: view(row)?, signing_key })
}

fn view(row: &Row<'_>) -> DbResult<DeviceView> {
    Ok(DeviceView {
        device_id: row.get("device_id")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        place: row.get("place")?,
        letter: row.get("letter")?,
        products: row.json("products")?,
        ml_per_second: row.get("ml_per_second")?,
        is_bearer_allowed: row.get("is_bearer_allowed")?,
        paired_at: row.get("paired_at")?,
        last_seen_at: row.get("last_seen_at")?,
        revoked_at: row.get("revoked_at")?,
        revoke_reason: row.get("revoke_reason")?,
        key_version: row.get("key_version")?,
        version: row.get("version")?,
    })
}
