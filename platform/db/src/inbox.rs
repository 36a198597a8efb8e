//! The inbox: which events a consumer has processed, so that an event that is delivered twice has its effect once.

use contracts::{ids::EventId, time::Timestamp};

use crate::{DbError, DbResult, Tx};

/// An event that is delivered to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The consumer's name: the service's.
    pub consumer: &'static str,
    /// Which event.
    pub event_id: EventId,
}

/// Runs `effect` unless the consumer has processed this event before. The row of the inbox is committed together with
/// the effect, or not at all. `None`: the event was processed before, and nothing was done.
///
/// # Errors
/// Those of `effect`.
pub fn once<T, E: From<DbError>>(
    tx: &mut Tx<'_>,
    delivery: Delivery,
    now: Timestamp,
    effect: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> Result<Option<T>, E> {
    if insert_if_new(tx, delivery, now)? { effect(tx).map(Some) } else { Ok(None) }
}

/// Records that the consumer processes the event. Returns whether it is the first time. Prefer [`once`], which also
/// runs the effect.
fn insert_if_new(tx: &mut Tx<'_>, delivery: Delivery, now: Timestamp) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO inbox (consumer, event_id, received_at) VALUES ($1, $2, $3)
        ON CONFLICT (consumer, event_id) DO NOTHING";
    Ok(tx.execute(SQL, (delivery.consumer, delivery.event_id, now))? == 1)
}

/// Deletes at most `limit` rows of events that were received before `before`. Returns how many. An event that is
/// delivered again after that has its effect again.
pub fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM inbox
         WHERE (consumer, event_id) IN
               (SELECT consumer, event_id FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}
