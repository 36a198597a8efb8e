//! The SQL of `shop_settings`.

use contracts::{shop::ShopSettings, time::Timestamp};
use db::{DbResult, Row, Tx, json};

use crate::model::{VersionedSettings, parse_stored_settings};

/// Inserts the settings of a new shop. Does nothing if there are settings.
pub(crate) fn insert_settings_once(tx: &mut Tx<'_>, settings: &ShopSettings, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO shop_settings (id, version, settings, updated_at)
        VALUES (1, 1, $1, $2)
        ON CONFLICT (id) DO NOTHING";
    tx.execute(SQL, (json(settings)?, now)).map(drop)
}

/// The current settings.
pub(crate) fn get_settings(tx: &mut Tx<'_>) -> DbResult<VersionedSettings> {
    const SQL: &str = "SELECT version, settings FROM shop_settings WHERE id = 1";
    tx.query_one(SQL, (), versioned_settings)
}

/// Replaces the settings of version `from`. `None`: they have another version.
pub(crate) fn replace_settings(
    tx: &mut Tx<'_>,
    from: i64,
    settings: &ShopSettings,
    now: Timestamp,
) -> DbResult<Option<VersionedSettings>> {
    const SQL: &str = "
        UPDATE shop_settings SET settings = $2, version = version + 1, updated_at = $3
         WHERE id = 1 AND version = $1
        RETURNING version, settings";
    tx.query_opt(SQL, (from, json(settings)?, now), versioned_settings)
}

fn versioned_settings(row: &Row<'_>) -> DbResult<VersionedSettings> {
    let settings = parse_stored_settings(&row.get::<String>("settings")?)?;
    Ok(VersionedSettings { version: row.get("version")?, settings })
}
