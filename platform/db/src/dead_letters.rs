//! Dead letters: events that a consumer could not act on after its attempts. They wait in the consumer's database until
//! a person has seen to the cause and asks for them again.

use contracts::{event::CloudEvent, ids::EventId, time::Timestamp};

use crate::{DbResult, Row, Tx};

/// An event that a consumer gave up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Which consumer.
    pub consumer: String,
    /// Which event.
    pub event_id: EventId,
    /// The event, or why it cannot be read.
    pub event: DbResult<CloudEvent>,
    /// What it failed with at last.
    pub error: String,
    /// How often it was tried in all.
    pub attempts: u32,
    /// When it was given up.
    pub dead_lettered_at: Timestamp,
    /// When a person asked for it again.
    pub redrive_requested_at: Option<Timestamp>,
}

impl DeadLetter {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        Ok(Self {
            consumer: row.get("consumer")?,
            event_id: row.get("event_id")?,
            event: row.json("event"),
            error: row.get("error")?,
            attempts: row.get("attempts")?,
            dead_lettered_at: row.get("dead_lettered_at")?,
            redrive_requested_at: row.get("redrive_requested_at")?,
        })
    }
}

/// Keeps an event that `consumer` gave up after `attempts`. One that fails again adds its attempts.
///
/// # Errors
/// Where the statement fails.
pub fn insert(
    tx: &mut Tx<'_>,
    consumer: &str,
    event: &CloudEvent,
    error: &str,
    attempts: u32,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO dead_letters (consumer, event_id, event, error, attempts, dead_lettered_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (consumer, event_id) DO UPDATE
           SET error = excluded.error, attempts = dead_letters.attempts + excluded.attempts,
               dead_lettered_at = excluded.dead_lettered_at, redrive_requested_at = NULL";
    tx.execute(SQL, (consumer, event.id, crate::json(event)?, error, attempts, now)).map(|_| ())
}

/// The dead letters, the newest events first.
///
/// # Errors
/// Where the statement fails.
pub fn list(tx: &mut Tx<'_>, limit: u32) -> DbResult<Vec<DeadLetter>> {
    const SQL: &str = "
        SELECT consumer, event_id, event, error, attempts, dead_lettered_at, redrive_requested_at
          FROM dead_letters ORDER BY event_id DESC, consumer LIMIT $1";
    tx.query(SQL, (limit,), DeadLetter::from_row)
}

/// How many dead letters there are.
///
/// # Errors
/// Where the statement fails.
pub fn count(tx: &mut Tx<'_>) -> DbResult<i64> {
    const SQL: &str = "SELECT COUNT(*) AS letters FROM dead_letters";
    tx.query_one(SQL, (), |row| row.get("letters"))
}

/// The dead letters of one event: one for each consumer that gave it up.
///
/// # Errors
/// Where the statement fails.
pub fn find(tx: &mut Tx<'_>, event: EventId) -> DbResult<Vec<DeadLetter>> {
    const SQL: &str = "
        SELECT consumer, event_id, event, error, attempts, dead_lettered_at, redrive_requested_at
          FROM dead_letters WHERE event_id = $1 ORDER BY consumer";
    tx.query(SQL, (event,), DeadLetter::from_row)
}

/// Asks for one event again, or for all; answers how many dead letters that marks.
///
/// # Errors
/// Where the statement fails.
pub fn request_redrive(tx: &mut Tx<'_>, event: Option<EventId>, now: Timestamp) -> DbResult<u64> {
    const ONE: &str = "UPDATE dead_letters SET redrive_requested_at = $1 WHERE event_id = $2";
    const ALL: &str = "UPDATE dead_letters SET redrive_requested_at = $1";
    match event {
        Some(event) => tx.execute(ONE, (now, event)),
        None => tx.execute(ALL, (now,)),
    }
}

/// The dead letters that a person asked for again, in the order of the events.
///
/// # Errors
/// Where the statement fails.
pub fn due_for_redrive(tx: &mut Tx<'_>, limit: u32) -> DbResult<Vec<DeadLetter>> {
    const SQL: &str = "
        SELECT consumer, event_id, event, error, attempts, dead_lettered_at, redrive_requested_at FROM dead_letters
         WHERE redrive_requested_at IS NOT NULL ORDER BY event_id, consumer LIMIT $1";
    tx.query(SQL, (limit,), DeadLetter::from_row)
}

/// Leaves a dead letter to a person again, because it cannot be read.
///
/// # Errors
/// Where the statement fails.
pub fn refuse_redrive(tx: &mut Tx<'_>, consumer: &str, event: EventId, error: &str) -> DbResult<()> {
    const SQL: &str = "
        UPDATE dead_letters SET redrive_requested_at = NULL, error = $3 WHERE consumer = $1 AND event_id = $2";
    tx.execute(SQL, (consumer, event, error)).map(drop)
}

/// Forgets a dead letter, because its consumer has acted on it; answers whether there was one.
///
/// # Errors
/// Where the statement fails.
pub fn delete(tx: &mut Tx<'_>, consumer: &str, event: EventId) -> DbResult<bool> {
    const SQL: &str = "DELETE FROM dead_letters WHERE consumer = $1 AND event_id = $2";
    Ok(tx.execute(SQL, (consumer, event))? == 1)
}
