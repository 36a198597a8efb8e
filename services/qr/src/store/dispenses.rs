//! dispense_logs: every grant, and how it ended.

use contracts::{ids::DispenseId, qr::ReviewDecision, time::Timestamp};
use db::{DbResult, Tx};

use crate::model::{ClosedBy, Code};

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dispense {
    pub(crate) code: String,
    pub(crate) device_id: Option<String>,
    pub(crate) duration_ms: u32,
    /// Whether the device itself reported how it ended.
    pub(crate) is_reported: bool,
}

/// Records a grant to the device that leases `code`.
pub(crate) fn insert_grant(
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

/// Records a pour by a caller that reports nothing: granted and completed at once. `device_id`: `None` if staff handed
/// the drink over.
pub(crate) fn insert_completed(
    tx: &mut Tx<'_>,
    dispense_id: DispenseId,
    code: &Code,
    device_id: Option<&str>,
    duration_ms: u32,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO dispense_logs (dispense_id, code, order_id, product_id, device_id, dispense_ml, duration_ms,
                                   outcome, granted_at, closed_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'completed', $8, $8, $8)";
    let Code { code, order_id, cup, .. } = code;
    tx.execute(SQL, (dispense_id, code, *order_id, cup.product_id, device_id, cup.dispense_ml, duration_ms, now))?;
    Ok(())
}

/// One grant.
pub(crate) fn find_dispense(tx: &mut Tx<'_>, dispense_id: DispenseId) -> DbResult<Option<Dispense>> {
    const SQL: &str = "SELECT code, device_id, duration_ms, reported_at FROM dispense_logs WHERE dispense_id = $1";
    tx.query_opt(SQL, (dispense_id,), |row| {
        Ok(Dispense {
            code: row.get("code")?,
            device_id: row.get("device_id")?,
            duration_ms: row.get("duration_ms")?,
            is_reported: row.get::<Option<i64>>("reported_at")?.is_some(),
        })
    })
}

/// Closes a grant. The device's report is written once, also over an earlier conclusion; a conclusion is written only
/// if the grant is open.
pub(crate) fn close_dispense(
    tx: &mut Tx<'_>,
    dispense_id: DispenseId,
    closed_by: ClosedBy,
    now: Timestamp,
) -> DbResult<()> {
    const REPORTED: &str = "
        UPDATE dispense_logs
           SET outcome = $2, poured_ms = $3, closed_at = COALESCE(closed_at, $4), reported_at = $4, updated_at = $4
         WHERE dispense_id = $1 AND reported_at IS NULL";
    const CONCLUDED: &str = "
        UPDATE dispense_logs SET outcome = $2, poured_ms = $3, closed_at = $4, updated_at = $4
         WHERE dispense_id = $1 AND closed_at IS NULL";
    let sql = match closed_by {
        ClosedBy::DeviceReport { .. } => REPORTED,
        ClosedBy::Heartbeat | ClosedBy::JournalReset | ClosedBy::Staff => CONCLUDED,
    };
    tx.execute(sql, (dispense_id, closed_by.outcome(), closed_by.poured_ms(), now))?;
    Ok(())
}

/// Records the first staff decision on a closed grant.
pub(crate) fn record_decision(
    tx: &mut Tx<'_>,
    dispense_id: DispenseId,
    decision: ReviewDecision,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        UPDATE dispense_logs SET decision = $2, updated_at = $3
         WHERE dispense_id = $1 AND closed_at IS NOT NULL AND decision IS NULL";
    let decision: &'static str = decision.into();
    tx.execute(SQL, (dispense_id, decision, now))?;
    Ok(())
}
