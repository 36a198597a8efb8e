//! What the outboxes say, read from the shop's files: what is still unsaid, and how long events took.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    failure::Failure,
    load::{Span, Times},
};

/// A backlog that takes longer than this is not going to end.
const EMPTY_WITHIN: Duration = Duration::from_secs(120);
/// How often the files are looked at: often enough for a time in milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Every service's file, opened to be read.
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

    /// Waits until every outbox is empty, and answers how long after `since` that was.
    pub(crate) fn wait_until_empty(&self, since: Instant) -> Result<Duration, Failure> {
        while since.elapsed() < EMPTY_WITHIN {
            if self.unsaid()? == 0 {
                return Ok(since.elapsed());
            }
            thread::sleep(LOOK_EVERY);
        }
        Err(Failure(format!("{} events are still unsaid after {} s", self.unsaid()?, EMPTY_WITHIN.as_secs())))
    }

    fn unsaid(&self) -> Result<i64, Failure> {
        let mut unsaid = 0;
        for connection in &self.0 {
            let count = "SELECT COUNT(*) FROM outbox WHERE published_at IS NULL";
            unsaid += connection.prepare_cached(count)?.query_row((), |row| row.get::<_, i64>(0))?;
        }
        Ok(unsaid)
    }

    /// From an event's writing to every consumer's having acted, for the events written within `span`.
    pub(crate) fn delivery_times(&self, span: Span) -> Result<Times, Failure> {
        let mut micros = Vec::new();
        for connection in &self.0 {
            let sql = "SELECT published_at - appended_at FROM outbox
                        WHERE appended_at BETWEEN ?1 AND ?2 AND published_at IS NOT NULL";
            let mut statement = connection.prepare_cached(sql)?;
            let times = statement.query_map((span.begin, span.end), |row| row.get::<_, i64>(0))?;
            for time in times {
                micros.push(u32::try_from(time?).unwrap_or(0));
            }
        }
        Ok(Times::of(micros))
    }
}
