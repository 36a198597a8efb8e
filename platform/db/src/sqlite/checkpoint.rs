//! Checkpoints of a file's write-ahead log (WAL), without making commits wait for them.
//!
//! SQLite resets the WAL, to write it from its beginning again, after all of it was copied into the file and while
//! nobody reads from it. A background thread copies and flushes most of the WAL; then the writer copies the few pages
//! that were committed meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use super::connection::{BUSY_TIMEOUT, database_name};
use crate::{DbOptions, metrics::DbMetrics, threads::spawn};

/// A long WAL that could not be reset is checkpointed again after it has grown by this part of its limit.
const RETRY_PART: u32 = 16;
/// The writer waits for a background checkpoint that falls behind by this many times the limit.
const BEHIND_LIMITS_MAX: u32 = 4;
/// SQLite flushes the file only if a checkpoint reached the end of the WAL. Each pass has fewer pages to copy than the
/// one before, so it becomes more likely that nothing is committed during it.
const PASSES_MAX: u32 = 8;
/// From this length on, the WAL is truncated while the disk has little space: 256 KiB.
const SHORT_OF_SPACE_PAGES: u32 = 64;
/// How often the free space of the disk is looked up.
const FREE_SPACE_CHECK_PAUSE: Duration = Duration::from_secs(1);
/// How long after the WAL could not be truncated that is tried again.
const TRUNCATE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long a truncation waits for readers to finish with the WAL.
const TRUNCATE_BUSY_TIMEOUT: Duration = Duration::from_millis(200);

/// Checkpoints the WAL of a file that this process owns.
pub(super) struct WalCheckpointer {
    path: PathBuf,
    /// From this length on, the WAL is checkpointed.
    limit_pages: u32,
    /// The length after the last commit, in pages.
    length_pages: Arc<AtomicU32>,
    /// How many of these pages were copied, or tried to be.
    checkpointed_pages: u32,
    background: Option<JoinHandle<()>>,
    truncation_failed_at: Option<Instant>,
    free_space: FreeSpace,
    metrics: DbMetrics,
}

/// What to do about a WAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    None,
    /// It has become long: start a background checkpoint.
    Start,
    /// The background checkpoint has ended or falls behind: the writer copies the rest.
    Finish,
}

impl WalCheckpointer {
    /// Watches the length of the WAL through the connection that writes the file, in place of SQLite's own checkpoints.
    pub(super) fn install(
        writer: &mut Connection,
        path: &Path,
        options: &DbOptions,
        metrics: DbMetrics,
    ) -> rusqlite::Result<Self> {
        let length_pages = Arc::new(AtomicU32::new(0));
        let reported = Arc::clone(&length_pages);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            reported.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            path: path.to_owned(),
            limit_pages: options.checkpoint_pages,
            length_pages,
            checkpointed_pages: 0,
            background: None,
            truncation_failed_at: None,
            free_space: FreeSpace { min_bytes: options.free_bytes_min, is_short: false, checked_at: None },
            metrics,
        })
    }

    /// Checkpoints the WAL if it has become long. Call it between two transactions of the writer.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let length = self.length_pages.load(Ordering::Relaxed);
        self.metrics.set_wal_pages(length);
        if length < self.checkpointed_pages {
            self.checkpointed_pages = 0; // It was reset.
        }
        if length >= SHORT_OF_SPACE_PAGES && self.free_space.is_short(&self.path) && self.truncate(writer) {
            return;
        }
        let is_finished = self.background.as_ref().map(JoinHandle::is_finished);
        match next_action(length, self.checkpointed_pages, self.limit_pages, is_finished) {
            Action::None => {}
            Action::Start => self.start(writer),
            Action::Finish => self.finish(writer),
        }
    }

    /// Copies all of the WAL into the file and truncates the WAL, to give its space back to the disk. Returns whether
    /// that succeeded. After it failed, it is not tried again for a moment.
    pub(super) fn truncate(&mut self, writer: &Connection) -> bool {
        if self.truncation_failed_at.is_some_and(|failed| failed.elapsed() < TRUNCATE_RETRY_PAUSE) {
            return false;
        }
        self.join_background();
        match truncate_briefly(writer) {
            Ok(true) => {
                self.truncation_failed_at = None;
                self.length_pages.store(0, Ordering::Relaxed);
                self.checkpointed_pages = 0;
                self.metrics.set_wal_pages(0);
                return true;
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(file = %self.path.display(), %error, "the WAL could not be truncated"),
        }
        self.truncation_failed_at = Some(Instant::now());
        false
    }

    /// Waits for the background checkpoint, if one runs.
    pub(super) fn join_background(&mut self) {
        if let Some(background) = self.background.take() {
            // It logs its own failure.
            let _panicked = background.join();
        }
    }

    fn start(&mut self, writer: &Connection) {
        let path = self.path.clone();
        let background = spawn("checkpoint", &database_name(&self.path), move || {
            if let Err(error) = checkpoint_and_flush(&path) {
                warn_failed(&path, &error);
            }
        });
        match background {
            Ok(background) => self.background = Some(background),
            // The system has no thread to spare. Commits wait, and the WAL stays bounded.
            Err(_) => self.checkpoint_on_writer(writer),
        }
    }

    fn finish(&mut self, writer: &Connection) {
        self.join_background();
        self.checkpoint_on_writer(writer);
    }

    fn checkpoint_on_writer(&mut self, writer: &Connection) {
        let length = self.length_pages.load(Ordering::Relaxed);
        if length < self.limit_pages {
            return; // It was reset meanwhile.
        }
        // Also if this fails: it is tried again after more pages, not after each commit.
        self.checkpointed_pages = length;
        if let Err(error) = checkpoint_pass(writer) {
            warn_failed(&self.path, &error);
        }
    }
}

/// Whether the disk of a file has little space, as far as is known.
struct FreeSpace {
    min_bytes: u64,
    is_short: bool,
    checked_at: Option<Instant>,
}

impl FreeSpace {
    fn is_short(&mut self, path: &Path) -> bool {
        if self.checked_at.is_none_or(|checked| checked.elapsed() >= FREE_SPACE_CHECK_PAUSE) {
            self.checked_at = Some(Instant::now());
            self.is_short = free_bytes(path).is_some_and(|free| free < self.min_bytes);
        }
        self.is_short
    }
}

/// How many bytes this user may still write to the disk that holds the file. `None`: unknown.
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What to do about a WAL of `length` pages, of which `checkpointed` are in the file. `is_finished`: whether the
/// background checkpoint has ended, if there is one.
fn next_action(length: u32, checkpointed: u32, limit: u32, is_finished: Option<bool>) -> Action {
    let behind = length.saturating_sub(checkpointed);
    match is_finished {
        Some(true) => Action::Finish,
        Some(false) if behind >= limit.saturating_mul(BEHIND_LIMITS_MAX) => Action::Finish,
        None if length >= limit && behind >= limit / RETRY_PART => Action::Start,
        Some(false) | None => Action::None,
    }
}

/// Checkpoints a file on a connection of its own, in passes until the file was most likely flushed.
fn checkpoint_and_flush(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let mut length = checkpoint_pass(&connection)?;
    for _ in 1..PASSES_MAX {
        let before = std::mem::replace(&mut length, checkpoint_pass(&connection)?);
        if length == before {
            break; // Nothing was committed between the two, so the first one flushed the file.
        }
    }
    Ok(())
}

/// Copies the WAL up to what its oldest reader still reads, without waiting for anybody. Returns the WAL's length.
fn checkpoint_pass(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get("log"))
}

/// Checkpoints and truncates the WAL. `false`: readers held it for too long.
fn truncate_briefly(writer: &Connection) -> rusqlite::Result<bool> {
    writer.busy_timeout(TRUNCATE_BUSY_TIMEOUT)?;
    let busy = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>("busy"));
    writer.busy_timeout(BUSY_TIMEOUT)?;
    Ok(busy? == 0)
}

fn warn_failed(path: &Path, error: &rusqlite::Error) {
    tracing::warn!(file = %path.display(), %error, "a checkpoint failed; the write-ahead log grows until the next one");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wal_is_checkpointed_once_and_again_for_each_sixteenth_that_it_grows() {
        assert_eq!(next_action(3_999, 0, 4_000, None), Action::None);
        assert_eq!(next_action(4_000, 0, 4_000, None), Action::Start);
        assert_eq!(next_action(4_001, 4_000, 4_000, None), Action::None, "a reader keeps it from being reset");
        assert_eq!(next_action(4_250, 4_000, 4_000, None), Action::Start);
    }

    #[test]
    fn a_background_checkpoint_copies_what_was_committed_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.db");
        let file_bytes = || std::fs::metadata(&path).unwrap().len();
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 CREATE TABLE notes (note TEXT); INSERT INTO notes VALUES (hex(zeroblob(50000)));",
            )
            .unwrap();
        let before = file_bytes();
        checkpoint_and_flush(&path).unwrap();
        assert!(file_bytes() >= before + 100_000, "{before}, then {}", file_bytes());
        // The writer starts at the beginning of the WAL again.
        let wal_bytes = || std::fs::metadata(folder.path().join("notes.db-wal")).unwrap().len();
        let long = wal_bytes();
        writer.execute_batch("INSERT INTO notes VALUES ('one more')").unwrap();
        assert_eq!(wal_bytes(), long);
    }

    #[test]
    fn the_writer_finishes_a_checkpoint_that_has_ended_or_falls_behind() {
        assert_eq!(next_action(5_000, 0, 4_000, Some(false)), Action::None);
        assert_eq!(next_action(5_000, 0, 4_000, Some(true)), Action::Finish);
        assert_eq!(next_action(16_000, 0, 4_000, Some(false)), Action::Finish);
        assert_eq!(next_action(20, 0, 4_000, Some(true)), Action::Finish, "the WAL was reset meanwhile");
    }
}
