//! The SQL of `sessions`.

use contracts::{
    event::SessionEnded,
    ids::{DeviceId, SessionId, StaffId},
    time::Timestamp,
};
use db::{DbResult, Row, Tx};

/// Inserts a session that begins `now`.
pub(crate) fn insert_session(
    tx: &mut Tx<'_>,
    session_id: SessionId,
    staff_id: StaffId,
    device_id: Option<DeviceId>,
    now: Timestamp,
    expires_at: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO sessions (session_id, staff_id, device_id, started_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(SQL, (session_id, staff_id, device_id, now, expires_at)).map(drop)
}

/// Ends one session. `None`: it was ended already. Also one whose time is over: a clock that ran ahead can be set back.
pub(crate) fn end_session(tx: &mut Tx<'_>, session_id: SessionId, now: Timestamp) -> DbResult<Option<SessionEnded>> {
    const SQL: &str = "
        UPDATE sessions SET ended_at = $2 WHERE session_id = $1 AND ended_at IS NULL
        RETURNING session_id, expires_at";
    tx.query_opt(SQL, (session_id, now), session_ended)
}

/// Ends every session of a person. Returns those that were not ended before.
pub(crate) fn end_sessions_of(tx: &mut Tx<'_>, staff_id: StaffId, now: Timestamp) -> DbResult<Vec<SessionEnded>> {
    const SQL: &str = "
        UPDATE sessions SET ended_at = $2 WHERE staff_id = $1 AND ended_at IS NULL
        RETURNING session_id, expires_at";
    tx.query(SQL, (staff_id, now), session_ended)
}

/// Ends every session on a tablet. Returns those that were not ended before.
pub(crate) fn end_sessions_on(tx: &mut Tx<'_>, device_id: DeviceId, now: Timestamp) -> DbResult<Vec<SessionEnded>> {
    const SQL: &str = "
        UPDATE sessions SET ended_at = $2 WHERE device_id = $1 AND ended_at IS NULL
        RETURNING session_id, expires_at";
    tx.query(SQL, (device_id, now), session_ended)
}

/// The sessions that were ended, until they are pruned: a clock that ran ahead can be set back.
pub(crate) fn list_ended_sessions(tx: &mut Tx<'_>) -> DbResult<Vec<SessionEnded>> {
    const SQL: &str = "SELECT session_id, expires_at FROM sessions WHERE ended_at IS NOT NULL";
    tx.query(SQL, (), session_ended)
}

/// Deletes at most `limit` sessions whose tokens ended before `before`. Returns how many.
pub(crate) fn prune_sessions(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM sessions WHERE session_id IN (
            SELECT session_id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}

fn session_ended(row: &Row<'_>) -> DbResult<SessionEnded> {
    Ok(SessionEnded { session_id: row.get("session_id")?, expires_at: row.get("expires_at")? })
}
