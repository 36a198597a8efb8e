//! Rows of `etl_watermarks`: how far each source has been read.

use contracts::time::Timestamp;
use db::{DbResult, Tx};

/// The service whose changes drive the extraction.
const ORDER: &str = "order";

/// How far the orders have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// The latest change that was read.
    pub(crate) at: Timestamp,
    /// When the last finished run began. `None`: no run has finished.
    pub(crate) run_at: Option<Timestamp>,
    /// Grows with every change, so that a slower process notices another one.
    pub(crate) version: i64,
}

/// How far the orders have been read.
pub(crate) fn find_watermark(tx: &mut Tx<'_>) -> DbResult<Watermark> {
    const SQL: &str = "SELECT watermark, run_at, version FROM etl_watermarks WHERE source = $1";
    tx.query_one(SQL, (ORDER,), |row| {
        Ok(Watermark { at: row.get("watermark")?, run_at: row.get("run_at")?, version: row.get("version")? })
    })
}

/// Moves the watermark of this `version`, and makes others wait until the transaction ends. `None`: another process
/// moved it.
pub(crate) fn move_watermark(tx: &mut Tx<'_>, version: i64, at: Timestamp) -> DbResult<Option<i64>> {
    const SQL: &str = "
        UPDATE etl_watermarks SET watermark = $3, version = version + 1
         WHERE source = $1 AND version = $2
        RETURNING version";
    tx.query_opt(SQL, (ORDER, version, at), |row| row.get("version"))
}

/// Records that the run that began at `run_at` has finished. `false`: another process came between.
pub(crate) fn finish_run(tx: &mut Tx<'_>, version: i64, run_at: Timestamp) -> DbResult<bool> {
    const SQL: &str = "UPDATE etl_watermarks SET run_at = $3, version = version + 1 WHERE source = $1 AND version = $2";
    Ok(tx.execute(SQL, (ORDER, version, run_at))? == 1)
}
