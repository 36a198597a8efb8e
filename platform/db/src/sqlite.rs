//! SQLite: one writer thread for each file, which commits groups of jobs, and readers that see its commits.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use contracts::event::CloudEvent;
use crossbeam_channel::Receiver;
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, TransactionBehavior, ffi};
use tokio::sync::mpsc;

use crate::{
    DbError, DbResult, OpenError, Row, Schema, Settings, ValueRef,
    database::{SLOW_COMMIT, Threads, send_appended, spawn},
    job::{Job, Verdict},
    migrations,
    postgres::Failed,
    row::RowOf,
    tx::{On, Tx},
};

/// How many jobs one commit carries at most. The disk's flush is shared by then; more would only make them wait.
const GROUP_JOBS_MAX: usize = 256;

/// How many statements each connection keeps prepared: more than any service has.
const PREPARED_STATEMENTS_MAX: usize = 128;

/// How long a connection waits for another process that writes the same file, such as a backup.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How the writer's connection is set. FULL: a commit is on the disk before it is answered. About 8 MiB of cache; a
/// checkpoint about every 16 MiB of log, so that it is rare and the log stays small.
const WRITER_SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -8192;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA temp_store = MEMORY";

/// How a reader's connection is set: about 2 MiB of cache, and no writes.
const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA cache_size = -2048;
    PRAGMA temp_store = MEMORY";

/// Opens the file, makes it and its folder where they are missing, migrates it, and starts its threads.
pub(crate) fn open(path: &Path, schema: &Schema, settings: &Settings) -> Result<Threads, OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unusable(path, error))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(path, flags, WRITER_SETTINGS).map_err(|error| unusable(path, error))?;
    keep_a_log(&connection).map_err(|error| unusable(path, error))?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    migrations::run(&mut connection, schema, &format!("sqlite:{}", path.display()))?;

    let (writes, jobs) = crossbeam_channel::bounded(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = start_readers(path, settings, Some(writes))?;
    let writer = Writer { connection, jobs, appended, commit_delay: settings.commit_delay };
    threads.handles.push(spawn("write", schema.service, move || {
        writer.run();
        drop(alive);
    })?);
    Ok(threads)
}

/// Opens another service's file, to read it.
pub(crate) fn open_read_only(path: &Path, settings: &Settings) -> Result<Threads, OpenError> {
    if !path.exists() {
        return Err(OpenError::NoFile { path: path.display().to_string() });
    }
    start_readers(path, settings, None).map(|(threads, ..)| threads)
}

type Started = (Threads, mpsc::Sender<()>, mpsc::Sender<Arc<CloudEvent>>);

fn start_readers(
    path: &Path,
    settings: &Settings,
    writes: Option<crossbeam_channel::Sender<Box<dyn Job>>>,
) -> Result<Started, OpenError> {
    let (reads, jobs) = crossbeam_channel::bounded::<Box<dyn Job>>(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = Threads::new(writes, reads);
    for _ in 0..settings.readers {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags, READER_SETTINGS).map_err(|error| unusable(path, error))?;
        let (jobs, alive) = (jobs.clone(), alive.clone());
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        threads.handles.push(spawn("read", &name, move || {
            for job in jobs {
                read(&connection, job);
            }
            drop(connection);
            drop(alive);
        })?);
    }
    Ok((threads, alive, appended))
}

fn connect(path: &Path, flags: OpenFlags, settings: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS_MAX);
    connection.execute_batch(settings)?;
    Ok(connection)
}

/// Readers and the writer do not wait for each other when the file has a write-ahead log.
fn keep_a_log(connection: &Connection) -> Result<(), String> {
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|error| error.to_string())?;
    if mode == "wal" { Ok(()) } else { Err(format!("its file system allows no write-ahead log ({mode})")) }
}

fn unusable(path: &Path, reason: impl ToString) -> OpenError {
    OpenError::File { path: path.display().to_string(), reason: reason.to_string() }
}

/// The thread that writes one file.
struct Writer {
    connection: Connection,
    jobs: Receiver<Box<dyn Job>>,
    appended: mpsc::Sender<Arc<CloudEvent>>,
    commit_delay: Duration,
}

/// A job of a group, run and not yet answered.
struct Ran {
    job: Box<dyn Job>,
    failure: Option<DbError>,
}

impl Writer {
    fn run(self) {
        while let Ok(first) = self.jobs.recv() {
            let mut group = Vec::with_capacity(1 + self.jobs.len().min(GROUP_JOBS_MAX));
            group.push(first);
            group.extend(self.jobs.try_iter().take(GROUP_JOBS_MAX - 1));
            self.write(group);
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the log was not merged into its database; the next start does it");
        }
    }

    /// Runs a group in one transaction, commits it, and answers every job of it, refused ones too.
    fn write(&self, group: Vec<Box<dyn Job>>) {
        if let Err(error) = run(&self.connection, "BEGIN IMMEDIATE") {
            return answer_all(group.into_iter().map(|job| Ran { job, failure: None }), Some(&error));
        }
        let mut events = Vec::new();
        let ran = match <[Box<dyn Job>; 1]>::try_from(group) {
            Ok([alone]) => vec![self.run_alone(alone, &mut events)],
            Err(group) => self.run_beside_each_other(group, &mut events),
        };
        let committed = self.commit();
        if committed.is_ok() {
            send_appended(&self.appended, events);
        }
        answer_all(ran, committed.err().as_ref());
    }

    /// A refused job that is alone in its transaction needs no savepoint: the transaction is rolled back.
    fn run_alone(&self, job: Box<dyn Job>, events: &mut Vec<Arc<CloudEvent>>) -> Ran {
        let (ran, verdict) = self.run_one(job, events);
        if verdict == Verdict::Keep {
            return ran;
        }
        let failure = run(&self.connection, "ROLLBACK").and_then(|()| run(&self.connection, "BEGIN IMMEDIATE")).err();
        Ran { failure: ran.failure.or(failure), ..ran }
    }

    fn run_beside_each_other(&self, group: Vec<Box<dyn Job>>, events: &mut Vec<Arc<CloudEvent>>) -> Vec<Ran> {
        group.into_iter().map(|job| self.run_in_savepoint(job, events)).collect()
    }

    fn run_in_savepoint(&self, job: Box<dyn Job>, events: &mut Vec<Arc<CloudEvent>>) -> Ran {
        if let Err(error) = run(&self.connection, "SAVEPOINT job") {
            return Ran { job, failure: Some(error) };
        }
        let (ran, verdict) = self.run_one(job, events);
        let ended = match verdict {
            Verdict::Keep => Ok(()),
            Verdict::RollBack => run(&self.connection, "ROLLBACK TO job"),
        };
        let failure = ended.and_then(|()| run(&self.connection, "RELEASE job")).err();
        Ran { failure: ran.failure.or(failure), ..ran }
    }

    fn run_one(&self, mut job: Box<dyn Job>, events: &mut Vec<Arc<CloudEvent>>) -> (Ran, Verdict) {
        let mut tx = Tx::new(On::Sqlite(&self.connection));
        let verdict = job.run(&mut tx);
        let left = tx.end();
        match (verdict, left.failure) {
            (Verdict::RollBack, _) => (Ran { job, failure: None }, Verdict::RollBack),
            (Verdict::Keep, Some(failed)) => (Ran { job, failure: Some(failed.error) }, Verdict::RollBack),
            (Verdict::Keep, None) => {
                events.extend(left.appended);
                (Ran { job, failure: None }, Verdict::Keep)
            }
        }
    }

    /// Commits. An error that ended the transaction earlier (a full disk) shows here: nothing of the group is kept.
    fn commit(&self) -> DbResult<()> {
        let begun = Instant::now();
        if let Err(error) = run(&self.connection, "COMMIT") {
            tracing::error!(%error, "a commit failed; nothing of its jobs is kept");
            if !self.connection.is_autocommit() {
                run(&self.connection, "ROLLBACK")?;
            }
            return Err(DbError::Unavailable(error.to_string()));
        }
        if begun.elapsed() > SLOW_COMMIT {
            tracing::warn!(
                millis = begun.elapsed().as_millis(),
                "a commit was slow: the disk may be failing or shared"
            );
        }
        if !self.commit_delay.is_zero() {
            thread::sleep(self.commit_delay);
        }
        Ok(())
    }
}

fn answer_all(group: impl IntoIterator<Item = Ran>, commit_failed: Option<&DbError>) {
    for ran in group {
        ran.job.answer(commit_failed.cloned().or(ran.failure));
    }
}

/// Runs a read job on one snapshot.
fn read(connection: &Connection, mut job: Box<dyn Job>) {
    if let Err(error) = run(connection, "BEGIN DEFERRED") {
        return job.answer(Some(error));
    }
    let mut tx = Tx::new(On::Sqlite(connection));
    job.run(&mut tx);
    let failure = tx.end().failure.map(|failed| failed.error);
    // The job's own error says more than the statement's.
    let ended = run(connection, "ROLLBACK").err();
    if ended.is_none() && failure.is_some() {
        tracing::debug!(?failure, "a statement of a read failed");
    }
    job.answer(ended);
}

/// Runs a statement of the transaction itself.
fn run(connection: &Connection, sql: &'static str) -> DbResult<()> {
    execute(connection, sql, &[]).map(|_| ()).map_err(|failed| failed.error)
}

/// Runs a statement; answers how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, values: &[ValueRef<'_>]) -> Result<u64, Failed> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(sql, &error))?;
    bind(&mut statement, sql, values)?;
    let rows = statement.raw_execute().map_err(|error| failed(sql, &error))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

/// Runs a statement and shows `see` its rows, until it has seen enough.
pub(crate) fn each(
    connection: &Connection,
    sql: &str,
    values: &[ValueRef<'_>],
    see: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), Failed> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(sql, &error))?;
    bind(&mut statement, sql, values)?;
    // A statement that writes is run to its end: its foreign keys are checked there.
    let only_reads = statement.readonly();
    let mut seen_enough = false;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| failed(sql, &error))? {
        seen_enough = seen_enough || see(&Row::new(RowOf::Sqlite(row))).is_break();
        if seen_enough && only_reads {
            break;
        }
    }
    Ok(())
}

/// Binds `$1` to the first value, and so on. SQLite takes `$1` for a name and numbers it by its first appearance.
fn bind(statement: &mut Statement<'_>, sql: &str, values: &[ValueRef<'_>]) -> Result<(), Failed> {
    let mut highest = 0;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?");
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = *value.ok_or_else(|| miscounted(sql, name, values.len()))?;
        highest = highest.max(number.unwrap_or(0));
        statement.raw_bind_parameter(index, value).map_err(|error| failed(sql, &error))?;
    }
    if highest == values.len() { Ok(()) } else { Err(miscounted(sql, &format!("${highest}"), values.len())) }
}

fn miscounted(sql: &str, name: &str, values: usize) -> Failed {
    DbError::statement(sql, format!("it is given {values} values and asks for {name}")).into()
}

impl rusqlite::ToSql for ValueRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let value = match self {
            Self::Null => rusqlite::types::ValueRef::Null,
            Self::Integer(integer) => rusqlite::types::ValueRef::Integer(*integer),
            Self::Text(text) => rusqlite::types::ValueRef::Text(text.as_bytes()),
            Self::Short(text) => rusqlite::types::ValueRef::Text(text.as_str().as_bytes()),
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(value))
    }
}

fn failed(sql: &str, error: &rusqlite::Error) -> Failed {
    error_of(sql, error).into()
}

fn error_of(sql: &str, error: &rusqlite::Error) -> DbError {
    let rusqlite::Error::SqliteFailure(cause, message) = error else { return DbError::statement(sql, error) };
    if let ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY = cause.extended_code {
        let text = message.as_deref().unwrap_or_default();
        return DbError::Unique { constraint: text.split_once(": ").map_or(text, |(_, columns)| columns).to_owned() };
    }
    match cause.code {
        ErrorCode::ReadOnly => DbError::ReadOnly,
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::OutOfMemory
        | ErrorCode::CannotOpen => DbError::Unavailable(error.to_string()),
        _ => DbError::statement(sql, error),
    }
}
