//! SQLite: one writer thread for each file, which commits groups of jobs, and readers that see its commits.

mod checkpoint;
mod inline_reads;
mod statements;
mod writer;

use std::{
    fmt::Display,
    mem,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use contracts::event::CloudEvent;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, config::DbConfig};
use tokio::sync::mpsc;

use self::{checkpoint::WalCheckpointer, statements::run, writer::Writer};
pub(crate) use self::{
    inline_reads::InlineReaders,
    statements::{each, execute},
};
use crate::{
    DbOptions, OpenError, Schema,
    database::{JobQueue, Threads, WriteQueues, spawn},
    job::{Job, Outcome},
    migrations,
    tx::{On, Tx},
};

/// How many statements each connection keeps prepared: more than any service has.
const PREPARED_STATEMENTS_MAX: usize = 128;

/// How long a connection waits for another process that writes the same file, such as a backup.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// The pause between two attempts of what SQLite does not wait for by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// How the writer's connection is set. FULL: a commit is on the disk before it is answered. About 1.5 MiB of cache. Whoever
/// owns the file merges its log by itself ([`WalCheckpointer`]). A new file's pages are what disks write; SQLite's own are smaller,
/// for the sake of its tables of a moment (`.cargo/config.toml`).
const WRITER_SETTINGS: &str = "
    PRAGMA page_size = 4096;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -1536;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA temp_store = MEMORY";

/// How a reader's connection is set: about a quarter of a MiB of cache, and no writes.
const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA cache_size = -256;
    PRAGMA temp_store = MEMORY";

/// Opens the file, makes it and its folder where they are missing, migrates it, and starts its threads.
pub(crate) fn open(path: &Path, schema: &Schema, settings: &DbOptions) -> Result<Threads, OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unusable(path, &error))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(path, flags, WRITER_SETTINGS).map_err(|error| unusable(path, &error))?;
    keep_a_log(&connection).map_err(|error| unusable(path, &error))?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let database = format!("sqlite:{}", path.display());
    // Once more where it fails: another process may have been migrating the same new file.
    let mut migrate = || migrations::run(&mut connection, schema, str::to_owned, &database);
    migrate().or_else(|first| migrate().map_err(|_again| first))?;
    connection.set_transaction_behavior(TransactionBehavior::Deferred);

    let log = WalCheckpointer::of(&mut connection, path, settings.checkpoint_pages)
        .map_err(|error| unusable(path, &error))?;
    start(connection, path, settings, Some(log))
}

/// Opens a file that its owner may be writing, to write a little beside it: as it is. Its log grows by what is written, and
/// is merged by the owner alone.
pub(crate) fn open_existing(path: &Path, settings: &DbOptions) -> Result<Threads, OpenError> {
    if !path.exists() {
        return Err(OpenError::NoFile { path: path.display().to_string() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags, WRITER_SETTINGS).map_err(|error| unusable(path, &error))?;
    start(connection, path, settings, None)
}

fn start(
    connection: Connection,
    path: &Path,
    settings: &DbOptions,
    log: Option<WalCheckpointer>,
) -> Result<Threads, OpenError> {
    let (now, jobs) = JobQueue::bounded(settings.jobs_waiting_max);
    let (soon, held_back) = JobQueue::bounded(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = start_readers(path, settings, Some(WriteQueues { now, soon }))?;
    let DbOptions { commit_delay, soon, .. } = *settings;
    let health = threads.health.clone();
    let writer = Writer { connection, jobs, held_back, appended, health, commit_delay, soon, log };
    let readers = mem::take(&mut threads.handles);
    threads.handles.push(spawn("write", &name_of(path), move || {
        writer.run(readers);
        drop(alive);
    })?);
    Ok(threads)
}

fn name_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Opens another service's file, to read it.
pub(crate) fn open_read_only(path: &Path, settings: &DbOptions) -> Result<Threads, OpenError> {
    if !path.exists() {
        return Err(OpenError::NoFile { path: path.display().to_string() });
    }
    start_readers(path, settings, None).map(|(threads, ..)| threads)
}

type Started = (Threads, mpsc::Sender<()>, mpsc::Sender<Arc<CloudEvent>>);

fn start_readers(path: &Path, settings: &DbOptions, writes: Option<WriteQueues>) -> Result<Started, OpenError> {
    let (reads, jobs) = JobQueue::bounded(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = Threads::new(writes, reads);
    let readers = settings.readers.max(1);
    let connect = || connect_to_read(path).map_err(|error| unusable(path, &error));
    threads.near = Some(InlineReaders::of((0..readers).map(|_| connect()).collect::<Result<_, _>>()?));
    for _ in 0..readers {
        let connection = connect()?;
        let (jobs, alive) = (jobs.clone(), alive.clone());
        threads.handles.push(spawn("read", &name_of(path), move || {
            for job in jobs {
                read(&connection, job);
            }
            drop(connection);
            drop(alive);
        })?);
    }
    Ok((threads, alive, appended))
}

fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX, READER_SETTINGS)
}

fn connect(path: &Path, flags: OpenFlags, settings: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS_MAX);
    // A plan that looked at a value, because a partial index might do, would be made anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    patiently(|| connection.execute_batch(settings))?;
    Ok(connection)
}

/// Tries again while another process begins or ends with the file: SQLite answers that at once, whatever its time out.
fn patiently<T>(attempt: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let give_up_at = Instant::now() + BUSY_WAIT;
    loop {
        match attempt() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < give_up_at => {
                thread::sleep(BUSY_PAUSE);
            }
            done => return done,
        }
    }
}

/// Readers and the writer do not wait for each other when the file has a write-ahead log.
fn keep_a_log(connection: &Connection) -> Result<(), String> {
    let asked = patiently(|| connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)));
    let mode = asked.map_err(|error| error.to_string())?;
    if mode == "wal" { Ok(()) } else { Err(format!("its file system allows no write-ahead log ({mode})")) }
}

fn unusable(path: &Path, reason: &dyn Display) -> OpenError {
    OpenError::File { path: path.display().to_string(), reason: reason.to_string() }
}

/// Runs a read job on one snapshot.
fn read(connection: &Connection, mut job: Box<dyn Job>) {
    if let Err(error) = run(connection, "BEGIN DEFERRED") {
        return job.answer(Some(error));
    }
    let mut tx = Tx::new(On::Sqlite(connection), false);
    let verdict = job.run(&mut tx);
    let failed = tx.end().failure.filter(|_| verdict == Outcome::Keep).map(|failed| failed.error);
    job.answer(run(connection, "ROLLBACK").err().or(failed));
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_values_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = connect(&folder.path().join("cups.db"), flags, WRITER_SETTINGS).unwrap();
        let tables = "CREATE TABLE cups (size BIGINT, status TEXT);
                      CREATE INDEX cups_empty ON cups (size) WHERE status = 'EMPTY'";
        connection.execute_batch(tables).unwrap();
        let mut fill = connection.prepare("UPDATE cups SET status = 'FULL' WHERE size = $1 AND status = $2").unwrap();
        for status in ["EMPTY", "HALF", "EMPTY"] {
            fill.execute((240, status)).unwrap();
        }
        assert_eq!(fill.get_status(StatementStatus::RePrepare), 0);
    }
}
