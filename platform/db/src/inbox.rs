//! The inbox: which events a consumer has acted on, so that one that comes twice acts once.

use contracts::{ids::EventId, time::Micros};

use crate::{DbResult, Tx};

/// Whether `consumer` sees the event for the first time. Call it in the transaction of the event's effect: both are
/// kept, or neither.
///
/// # Errors
/// Where the statement fails.
pub fn first_time(tx: &mut Tx<'_>, consumer: &str, event: EventId, now: Micros) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO inbox (consumer, event_id, received_at) VALUES ($1, $2, $3)
        ON CONFLICT (consumer, event_id) DO NOTHING";
    Ok(tx.execute(SQL, (consumer, event, now))? == 1)
}

/// Forgets events that were received before `before`, at most `limit` of them; answers how many.
///
/// # Errors
/// Where the statement fails.
pub fn prune(tx: &mut Tx<'_>, before: Micros, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM inbox
         WHERE (consumer, event_id) IN
               (SELECT consumer, event_id FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}
