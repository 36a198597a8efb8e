//! dispense_logs: every grant, and how it ended.

use contracts::{ids::DispenseId, qr::ReviewDecision, time::Timestamp};
use db::{DbResult, Tx};

use crate::model::{Account, Code};

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dispense {
    pub(crate) code: String,
    pub(crate) device_id: Option<String>,
    pub(crate) duration_ms: u32,
    /// Whether its end was written.
    pub(crate) is_closed: bool,
    /// Whether the machine itself said how it ended.
    pub(crate) is_reported: bool,
}

/// Notes a grant to `code`'s machine.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    dispense_id: DispenseId,
    code: &Code,
    duration_ms: u32,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO dispense_logs (dispense_id, code, order_id, product_id, device_id, dispense_ml, duration_ms,
                                   granted_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    let Code { code, order_id, cup, device_id, .. } = code;
    tx.execute(
        SQL,
        (dispense_id, code, *order_id, cup.product_id, device_id.as_deref(), cup.dispense_ml, duration_ms, now),
    )?;
    Ok(())
}

/// Notes a pour of a caller that reports nothing: granted and completed at once.
pub(crate) fn used_at_once(
    tx: &mut Tx<'_>,
    dispense_id: DispenseId,
    code: &Code,
    duration_ms: u32,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO dispense_logs (dispense_id, code, order_id, product_id, dispense_ml, duration_ms, outcome,
                                   granted_at, closed_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'completed', $7, $7, $7)";
    let Code { code, order_id, cup, .. } = code;
    tx.execute(SQL, (dispense_id, code, *order_id, cup.product_id, cup.dispense_ml, duration_ms, now))?;
    Ok(())
}

/// One grant.
pub(crate) fn find(tx: &mut Tx<'_>, dispense_id: DispenseId) -> DbResult<Option<Dispense>> {
    const SQL: &str =
        "SELECT code, device_id, duration_ms, closed_at, reported_at FROM dispense_logs WHERE dispense_id = $1";
    tx.query_opt(SQL, (dispense_id,), |row| {
        Ok(Dispense {
            code: row.get("code")?,
            device_id: row.get("device_id")?,
            duration_ms: row.get("duration_ms")?,
            is_closed: row.get::<Option<i64>>("closed_at")?.is_some(),
            is_reported: row.get::<Option<i64>>("reported_at")?.is_some(),
        })
    })
}

/// Writes how a grant ended. The machine's own word is written once, also over what was concluded before it; any other
/// is written where nothing is.
pub(crate) fn close(tx: &mut Tx<'_>, dispense_id: DispenseId, account: Account, now: Timestamp) -> DbResult<()> {
    const REPORTED: &str = "
        UPDATE dispense_logs
           SET outcome = $2, poured_ms = $3, closed_at = COALESCE(closed_at, $4), reported_at = $4, updated_at = $4
         WHERE dispense_id = $1 AND reported_at IS NULL";
    const CONCLUDED: &str = "
        UPDATE dispense_logs SET outcome = $2, poured_ms = $3, closed_at = $4, updated_at = $4
         WHERE dispense_id = $1 AND closed_at IS NULL";
    let sql = match account {
        Account::Reported(..) => REPORTED,
        Account::NotHeld | Account::Unknown => CONCLUDED,
    };
    tx.execute(sql, (dispense_id, account.outcome(), account.poured_ms(), now))?;
    Ok(())
}

/// Writes what a person decided about a grant that a machine did not end cleanly.
pub(crate) fn decide(
    tx: &mut Tx<'_>,
    dispense_id: DispenseId,
    decision: ReviewDecision,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        UPDATE dispense_logs SET decision = $2, updated_at = $3
         WHERE dispense_id = $1 AND closed_at IS NOT NULL AND decision IS NULL";
    let word = match decision {
        ReviewDecision::Poured => "poured",
        ReviewDecision::NotPoured => "not_poured",
    };
    tx.execute(SQL, (dispense_id, word, now))?;
    Ok(())
}
