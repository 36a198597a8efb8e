//! Dead letters: events that a consumer could not process in its attempts. They stay in the consumer's database until a
//! person has removed the cause and requests their redrive.

use contracts::{event::CloudEvent, ids::EventId, time::Timestamp};

use crate::{DbResult, Row, Tx};

/// An event that a consumer could not process.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Which consumer.
    pub consumer: String,
    /// Which event.
    pub event_id: EventId,
    /// The event, or why it cannot be parsed.
    pub event: DbResult<CloudEvent>,
    /// The error of the last attempt.
    pub error: String,
    /// The number of attempts, with those of earlier redrives.
    pub attempts: u32,
    /// When the last attempt failed.
    pub dead_lettered_at: Timestamp,
    /// When a person requested its redrive.
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

/// Inserts an event that `consumer` could not process in `attempts`. If it is there already, because its redrive
/// failed, adds the attempts.
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
pub fn list(tx: &mut Tx<'_>, limit: u32) -> DbResult<Vec<DeadLetter>> {
    const SQL: &str = "
        SELECT consumer, event_id, event, error, attempts, dead_lettered_at, redrive_requested_at
          FROM dead_letters ORDER BY event_id DESC, consumer LIMIT $1";
    tx.query(SQL, (limit,), DeadLetter::from_row)
}

/// How many dead letters there are.
pub fn count(tx: &mut Tx<'_>) -> DbResult<i64> {
    const SQL: &str = "SELECT COUNT(*) AS letters FROM dead_letters";
    tx.query_one(SQL, (), |row| row.get("letters"))
}

/// The dead letters of one event: one for each consumer that could not process it.
pub fn find(tx: &mut Tx<'_>, event: EventId) -> DbResult<Vec<DeadLetter>> {
    const SQL: &str = "
        SELECT consumer, event_id, event, error, attempts, dead_lettered_at, redrive_requested_at
          FROM dead_letters WHERE event_id = $1 ORDER BY consumer";
    tx.query(SQL, (event,), DeadLetter::from_row)
}

/// Requests the redrive of one event, or of all. Returns how many dead letters that concerns.
pub fn request_redrive(tx: &mut Tx<'_>, event: Option<EventId>, now: Timestamp) -> DbResult<u64> {
    const ONE: &str = "UPDATE dead_letters SET redrive_requested_at = $1 WHERE event_id = $2";
    const ALL: &str = "UPDATE dead_letters SET redrive_requested_at = $1";
    match event {
        Some(event) => tx.execute(ONE, (now, event)),
        None => tx.execute(ALL, (now,)),
    }
}

/// The dead letters whose redrive is requested, in the order of the events.
pub fn due_for_redrive(tx: &mut Tx<'_>, limit: u32) -> DbResult<Vec<DeadLetter>> {
    const SQL: &str = "
        SELECT consumer, event_id, event, error, attempts, dead_lettered_at, redrive_requested_at FROM dead_letters
         WHERE redrive_requested_at IS NOT NULL ORDER BY event_id, consumer LIMIT $1";
    tx.query(SQL, (limit,), DeadLetter::from_row)
}

/// Withdraws the request for a redrive, because the event cannot be parsed.
pub fn refuse_redrive(tx: &mut Tx<'_>, consumer: &str, event: EventId, error: &str) -> DbResult<()> {
    const SQL: &str = "
        UPDATE dead_letters SET redrive_requested_at = NULL, error = $3 WHERE consumer = $1 AND event_id = $2";
    tx.execute(SQL, (consumer, event, error)).map(drop)
}

/// Deletes a dead letter, because its consumer has processed the event. Returns whether there was one.
pub fn delete(tx: &mut Tx<'_>, consumer: &str, event: EventId) -> DbResult<bool> {
    const SQL: &str = "DELETE FROM dead_letters WHERE consumer = $1 AND event_id = $2";
    Ok(tx.execute(SQL, (consumer, event))? == 1)
}
