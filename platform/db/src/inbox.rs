//! The inbox: which events a consumer has acted on, so that one that comes twice acts once.

use contracts::{ids::EventId, time::Timestamp};

use crate::{DbError, DbResult, Tx};

/// An event on its way to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The consumer's name: the service's.
    pub consumer: &'static str,
    /// Which event.
    pub event_id: EventId,
}

/// Runs `effect` unless the consumer acted on this event before. The inbox row and the effect are written in one
/// transaction: both are kept, or neither. `None`: the event came before.
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

/// Whether the consumer sees the event for the first time.
pub fn insert_if_new(tx: &mut Tx<'_>, delivery: Delivery, now: Timestamp) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO inbox (consumer, event_id, received_at) VALUES ($1, $2, $3)
        ON CONFLICT (consumer, event_id) DO NOTHING";
    Ok(tx.execute(SQL, (delivery.consumer, delivery.event_id, now))? == 1)
}

/// Deletes rows of events that were received before `before`, at most `limit`; answers how many.
pub fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM inbox
         WHERE (consumer, event_id) IN
               (SELECT consumer, event_id FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}
