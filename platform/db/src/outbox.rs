//! The outbox: events, written in the transaction that makes them true, and published after it.
//!
//! The process that appended an event publishes it at once; a sweeper publishes what was left behind. Published events
//! stay as an audit trail until they are pruned.

use std::fmt::Write;

use contracts::{
    audit::AuditEntry,
    event::{ActAudited, CloudEvent, EventData},
    ids::EventId,
    time::Timestamp,
};

use trace::TraceContext;

use crate::{DbError, DbResult, Row, ToValue, Tx, Value};

/// How many events one statement marks. A few fixed sizes, so that the statements stay prepared.
const EVENTS_PER_STATEMENT: [usize; 3] = [64, 8, 1];

/// An event of the outbox.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// The event.
    pub event: CloudEvent,
    /// When it was appended.
    pub appended_at: Timestamp,
    /// When it was published, if it was.
    pub published_at: Option<Timestamp>,
}

impl OutboxRow {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        Ok(Self {
            event: row.json("event")?,
            appended_at: row.get("appended_at")?,
            published_at: row.get("published_at")?,
        })
    }
}

/// Appends the event of `data`, in the current trace. It is published after the commit; if the job is rolled back,
/// it is never published.
pub fn append<D: EventData>(tx: &mut Tx<'_>, data: &D, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "INSERT INTO outbox (event_id, appended_at, event) VALUES ($1, $2, $3)";
    let traceparent = TraceContext::current().map(|context| context.to_string());
    let event = CloudEvent { traceparent, ..CloudEvent::new(data, now)? };
    tx.execute(SQL, (event.id, now, crate::json(&event)?))?;
    tx.send_after_commit(event);
    Ok(())
}

/// Appends what a person or a device did, for the audit trail: [`ActAudited`].
pub fn append_act(tx: &mut Tx<'_>, act: AuditEntry) -> DbResult<()> {
    let at = act.at;
    append(tx, &ActAudited(act), at)
}

/// A position in the outbox: an event's time and id.
pub type OutboxCursor = (Timestamp, EventId);

/// A page of unpublished events.
#[derive(Debug, Default)]
pub struct Unpublished {
    /// The events, the oldest first.
    pub events: Vec<CloudEvent>,
    /// Those that cannot be read, and why: another version of the program wrote them, or a person.
    pub unreadable: Vec<(EventId, DbError)>,
    /// Where the next page starts. `None`: this is the last one.
    pub next: Option<OutboxCursor>,
}

/// The events that were appended before `older_than` and are not published, the oldest first. Starts after `after`, so
/// that events that stay unpublished do not hide the others. `limit` counts unreadable events too.
pub fn unpublished(
    tx: &mut Tx<'_>,
    after: Option<OutboxCursor>,
    older_than: Timestamp,
    limit: u32,
) -> DbResult<Unpublished> {
    const SQL: &str = "
        SELECT event_id, appended_at, event FROM outbox
         WHERE published_at IS NULL AND appended_at < $1 AND (appended_at, event_id) > ($2, $3)
         ORDER BY appended_at, event_id LIMIT $4";
    // The empty text is before every id.
    let (at, id) = after.map_or((Timestamp(i64::MIN), String::new()), |(at, id)| (at, id.to_string()));
    let mut page = Unpublished::default();
    let positions = tx.query(SQL, (older_than, at, id, limit), |row| {
        let id = row.get("event_id")?;
        match row.json("event") {
            Ok(event) => page.events.push(event),
            Err(error) => page.unreadable.push((id, error)),
        }
        Ok((row.get("appended_at")?, id))
    })?;
    let is_full = u32::try_from(positions.len()).is_ok_and(|rows| rows >= limit);
    page.next = positions.last().copied().filter(|_| is_full);
    Ok(page)
}

/// Marks events as published.
pub fn mark_published(tx: &mut Tx<'_>, ids: &[EventId], now: Timestamp) -> DbResult<()> {
    // Sorted, so that neighbours in the index are marked together. This does not prevent deadlocks: PostgreSQL locks
    // rows in the order of its plan.
    let mut rest: &[EventId] = &{
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        sorted
    };
    for size in EVENTS_PER_STATEMENT {
        let mut sql = None;
        while let Some((chunk, remaining)) = rest.split_at_checked(size) {
            let params: Vec<Value> = [now.to_value()].into_iter().chain(chunk.iter().map(ToValue::to_value)).collect();
            tx.execute(sql.get_or_insert_with(|| mark_sql(size)), params)?;
            rest = remaining;
        }
    }
    Ok(())
}

/// The statement that marks `events` events: `$1` is the time, the ids follow.
fn mark_sql(events: usize) -> String {
    let mut sql = String::from("UPDATE outbox SET published_at = $1 WHERE published_at IS NULL AND event_id IN ($2");
    for number in 3..events + 2 {
        let _always_fits = write!(sql, ", ${number}");
    }
    sql.push(')');
    sql
}

/// Gives the sweeper's lease to `holder` until `until`, unless another process has it. Returns whether `holder` has it.
///
/// A lease that ends much later than one taken now was taken while the clock ran ahead, and is ignored.
pub fn acquire_lease(tx: &mut Tx<'_>, holder: &str, until: Timestamp, now: Timestamp) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO outbox_lease (lease, holder, expires_at) VALUES (1, $1, $2)
        ON CONFLICT (lease) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE outbox_lease.holder = excluded.holder OR outbox_lease.expires_at <= $3 OR outbox_lease.expires_at > $4";
    // Twice as late as this one ends: processes with slightly different clocks do not take the lease from each other.
    let too_late = Timestamp(until.0.saturating_add(until.0.saturating_sub(now.0)));
    Ok(tx.execute(SQL, (holder, until, now, too_late))? == 1)
}

/// Deletes at most `limit` events that were published before `before`. Returns how many.
pub fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    // The primary key finds them, because ids grow with time. An index of the times of publication would cost every
    // event another row. An event whose id is from a clock that ran ahead stays until that time.
    const SQL: &str = "
        DELETE FROM outbox
         WHERE event_id IN (SELECT event_id FROM outbox
                             WHERE event_id < $1 AND published_at < $2
                             ORDER BY event_id LIMIT $3)";
    tx.execute(SQL, (EventId::first_at(before), before, limit))
}

/// How many events are not published.
pub fn count_unpublished(tx: &mut Tx<'_>) -> DbResult<i64> {
    const SQL: &str = "SELECT COUNT(*) AS events FROM outbox WHERE published_at IS NULL";
    tx.query_one(SQL, (), |row| row.get("events"))
}

/// The events that wait to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are.
    pub events: i64,
    /// When the oldest was appended.
    pub oldest_appended_at: Option<Timestamp>,
}

/// Measures the events that wait to be published.
pub fn backlog(tx: &mut Tx<'_>) -> DbResult<Backlog> {
    const SQL: &str = "SELECT COUNT(*) AS events, MIN(appended_at) AS oldest FROM outbox WHERE published_at IS NULL";
    tx.query_one(SQL, (), |row| Ok(Backlog { events: row.get("events")?, oldest_appended_at: row.get("oldest")? }))
}

/// One event.
pub fn find(tx: &mut Tx<'_>, event: EventId) -> DbResult<Option<OutboxRow>> {
    const SQL: &str = "SELECT event, appended_at, published_at FROM outbox WHERE event_id = $1";
    tx.query_opt(SQL, (event,), OutboxRow::from_row)
}
