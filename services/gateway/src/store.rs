//! The SQL of `shop_settings`.

use contracts::{shop::ShopSettings, time::Timestamp};
use db::{DbResult, Row, Tx, json};

use crate::model::{Document, kept_settings};

/// Writes the settings of a new shop, unless there are some.
pub(crate) fn insert_once(tx: &mut Tx<'_>, settings: &ShopSettings, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO shop_settings (id, version, settings, updated_at)
        VALUES (1, 1, $1, $2)
        ON CONFLICT (id) DO NOTHING";
    tx.execute(SQL, (json(settings)?, now)).map(drop)
}

/// The settings as they are.
pub(crate) fn current(tx: &mut Tx<'_>) -> DbResult<Document> {
    const SQL: &str = "SELECT version, settings FROM shop_settings WHERE id = 1";
    tx.query_one(SQL, (), document)
}

/// Replaces the settings of version `from`. `None`: another was there first.
pub(crate) fn replace(
    tx: &mut Tx<'_>,
    from: i64,
    settings: &ShopSettings,
    now: Timestamp,
) -> DbResult<Option<Document>> {
    const SQL: &str = "
        UPDATE shop_settings SET settings = $2, version = version + 1, updated_at = $3
         WHERE id = 1 AND version = $1
        RETURNING version, settings";
    tx.query_opt(SQL, (from, json(settings)?, now), document)
}

fn document(row: &Row<'_>) -> DbResult<Document> {
    let settings = kept_settings(&row.get::<String>("settings")?)?;
    Ok(Document { version: row.get("version")?, settings })
}
