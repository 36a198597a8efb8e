//! Rows of `etl_watermarks`: how far each source has been read.

use contracts::time::Timestamp;
use db::{DbResult, Tx};

/// The source whose changes drive the extraction.
const ORDER: &str = "order";

/// How far the orders have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// Orders that changed up to then have been read.
    pub(crate) at: Timestamp,
    /// When the last run that came to its end began. `None`: none has.
    pub(crate) run_at: Option<Timestamp>,
    /// Grows with every step: whoever moves it from an older one has been overtaken.
    pub(crate) version: i64,
}

/// How far the orders have been read.
pub(crate) fn find(tx: &mut Tx<'_>) -> DbResult<Watermark> {
    const SQL: &str = "SELECT watermark, run_at, version FROM etl_watermarks WHERE source = $1";
    tx.query_one(SQL, (ORDER,), |row| {
        Ok(Watermark { at: row.get("watermark")?, run_at: row.get("run_at")?, version: row.get("version")? })
    })
}

/// Moves the watermark of `version`, and keeps others from moving it until the transaction ends. `None`: another did.
pub(crate) fn advance(tx: &mut Tx<'_>, version: i64, at: Timestamp) -> DbResult<Option<i64>> {
    const SQL: &str = "
        UPDATE etl_watermarks SET watermark = $3, version = version + 1
         WHERE source = $1 AND version = $2
        RETURNING version";
    tx.query_opt(SQL, (ORDER, version, at), |row| row.get("version"))
}

/// Notes that the run which began at `run_at` came to its end. `false`: another run came between.
pub(crate) fn finish(tx: &mut Tx<'_>, version: i64, run_at: Timestamp) -> DbResult<bool> {
    const SQL: &str = "UPDATE etl_watermarks SET run_at = $3, version = version + 1 WHERE source = $1 AND version = $2";
    Ok(tx.execute(SQL, (ORDER, version, run_at))? == 1)
}
