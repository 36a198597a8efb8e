//! The outboxes, read from the shop's files: events that wait to be published, and the time that the others took.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    failure::Failure,
    times::{TimeRange, Times},
};

/// A backlog that takes longer does not end.
const EMPTY_WITHIN: Duration = Duration::from_secs(120);
/// Between two reads of the files: short enough for a result in milliseconds.
const POLL_EVERY: Duration = Duration::from_millis(5);

/// The file of every service, opened read-only.
pub(crate) struct Outboxes(Vec<Connection>);

impl Outboxes {
    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let files: Vec<PathBuf> = fs::read_dir(data)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        let mut outboxes = Vec::new();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "db")) {
            let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            if connection.table_exists(None, "outbox")? {
                outboxes.push(connection);
            }
        }
        Ok(Self(outboxes))
    }

    /// Waits until every event is published, and returns the time since `since`.
    pub(crate) fn wait_until_empty(&self, since: Instant) -> Result<Duration, Failure> {
        while since.elapsed() < EMPTY_WITHIN {
            if self.count_unpublished()? == 0 {
                return Ok(since.elapsed());
            }
            thread::sleep(POLL_EVERY);
        }
        Err(Failure(format!(
            "{} events are still unpublished after {} s",
            self.count_unpublished()?,
            EMPTY_WITHIN.as_secs()
        )))
    }

    fn count_unpublished(&self) -> Result<i64, Failure> {
        let mut unpublished = 0;
        for connection in &self.0 {
            let count = "SELECT COUNT(*) FROM outbox WHERE published_at IS NULL";
            unpublished += connection.prepare_cached(count)?.query_row((), |row| row.get::<_, i64>(0))?;
        }
        Ok(unpublished)
    }

    /// The time from the commit of an event until every consumer had acted on it, for events committed in this range.
    pub(crate) fn delivery_times(&self, range: TimeRange) -> Result<Times, Failure> {
        let mut micros = Vec::new();
        for connection in &self.0 {
            let sql = "SELECT published_at - appended_at FROM outbox
                        WHERE appended_at BETWEEN ?1 AND ?2 AND published_at IS NOT NULL";
            let mut statement = connection.prepare_cached(sql)?;
            let times = statement.query_map((range.start, range.end), |row| row.get::<_, i64>(0))?;
            for time in times {
                micros.push(u32::try_from(time?).unwrap_or(0));
            }
        }
        Ok(Times::of(micros))
    }
}
