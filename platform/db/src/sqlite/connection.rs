//! Connections to a file: how they are set, and what happens while another process uses the file.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{Cause, OpenError};

/// How many statements each connection keeps prepared: more than any service has.
const PREPARED_STATEMENTS_MAX: usize = 128;

/// How long a connection waits for another process that writes the same file, such as a backup.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two attempts of statements to which SQLite does not apply its busy timeout.
const BUSY_RETRY_PAUSE: Duration = Duration::from_millis(5);

/// The writer's settings. FULL: a commit is on the disk before it is answered. The cache takes about 1.5 MiB. Automatic
/// checkpoints are off, because the owner of the file checkpoints it ([`super::checkpoint`]). A new file's pages have
/// the size that disks write; SQLite's default here is smaller, for its temporary tables (`.cargo/config.toml`).
const WRITER_SETTINGS: &str = "
    PRAGMA page_size = 4096;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -1536;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA temp_store = MEMORY";

/// A reader's settings: about a quarter of a MiB of cache, and no writes.
const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA cache_size = -256;
    PRAGMA temp_store = MEMORY";

/// A connection that writes the file, which is created if it does not exist.
pub(super) fn create(path: &Path) -> Result<Connection, OpenError> {
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    connect(path, access, WRITER_SETTINGS).map_err(|error| unusable(path, error))
}

/// A connection that writes the file, which must exist.
pub(super) fn connect_writer(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_SETTINGS).map_err(|error| unusable(path, error))
}

/// A connection that only reads the file, which must exist.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_SETTINGS).map_err(|error| unusable(path, error))
}

fn connect(path: &Path, access: OpenFlags, settings: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS_MAX);
    // Without this, SQLite would plan a statement again for each value that might select a partial index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    retry_while_busy(|| connection.execute_batch(settings))?;
    Ok(connection)
}

/// Retries while another process opens or closes the file: SQLite fails at once then, whatever the busy timeout.
fn retry_while_busy<T>(attempt: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match attempt() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(BUSY_RETRY_PAUSE);
            }
            result => return result,
        }
    }
}

/// Turns the write-ahead log on, with which readers and the writer do not wait for each other.
pub(super) fn enable_wal(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let pragma = || connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    let mode = retry_while_busy(pragma).map_err(|error| unusable(path, error))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(unusable(path, format!("its file system does not support a write-ahead log (journal mode {mode})")))
}

pub(super) fn unusable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenError {
    OpenError::File { path: path.display().to_string(), source: Cause::new(source) }
}

/// The file's name without its extension, for the names of threads.
pub(super) fn database_name(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_for_all_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cups.db");
        let connection = create(&path).unwrap();
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
