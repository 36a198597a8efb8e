//! A file's write-ahead log: merged into the file beside the writer, which everybody waits for.
//!
//! The log begins anew once all of it is merged and nobody reads from it. So a thread of its own merges what there is
//! and has it flushed; then the writer merges the little that was committed meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use rusqlite::{Connection, OpenFlags};

use super::{BUSY_WAIT, name_of};
use crate::database::spawn;

/// A long log that could not begin anew is merged again after such a part of its length more.
const MORE_PART: u32 = 16;
/// The writer waits for a merge that falls behind by so many long logs.
const BEHIND_LOGS_MAX: u32 = 4;
/// SQLite flushes what it merged only where nobody committed meanwhile: more likely with each pass, which has less to do
/// than the one before.
const PASSES_MAX: u32 = 8;

/// The log of a file that this process owns.
pub(super) struct WalCheckpointer {
    path: PathBuf,
    /// From this length on it is merged.
    long_pages: u32,
    /// Its length after the last commit.
    pages: Arc<AtomicU32>,
    /// How many of them are in the file, or were tried to be.
    merged: u32,
    merging: Option<JoinHandle<()>>,
}

/// What is to be done with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// It has become long: a thread is to merge it.
    Begin,
    /// The thread is done, or too slow: the writer is to merge what is left.
    Finish,
}

impl WalCheckpointer {
    /// Has the connection that writes the file tell the log's length, instead of merging it by itself.
    pub(super) fn of(connection: &mut Connection, path: &Path, long_pages: u32) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, length| {
            told.store(u32::try_from(length).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { path: path.to_owned(), long_pages, pages, merged: 0, merging: None })
    }

    /// Merges it where it has become long: to be called between two transactions of the writer.
    pub(super) fn mind(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.merged {
            self.merged = 0; // It began anew.
        }
        let is_finished = self.merging.as_ref().map(JoinHandle::is_finished);
        match due(pages, self.merged, self.long_pages, is_finished) {
            Due::Nothing => {}
            Due::Begin => self.begin(writer),
            Due::Finish => self.finish(writer),
        }
    }

    /// Waits for a merge that is under way.
    pub(super) fn wait(&mut self) {
        if let Some(merging) = self.merging.take() {
            // It has no panic to tell of: it logs what fails.
            let _ended = merging.join();
        }
    }

    fn begin(&mut self, writer: &Connection) {
        let path = self.path.clone();
        let merging = spawn("merge", &name_of(&self.path), move || {
            if let Err(error) = merge_and_flush(&path) {
                say_unmerged(&path, &error);
            }
        });
        match merging {
            Ok(merging) => self.merging = Some(merging),
            // The system has no thread to spare: everybody waits, and the log stays bounded.
            Err(_) => self.merge_here(writer),
        }
    }

    fn finish(&mut self, writer: &Connection) {
        self.wait();
        self.merge_here(writer);
    }

    fn merge_here(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.long_pages {
            return; // It began anew already.
        }
        // Also where that fails: it is tried again after more pages, and not after each commit.
        self.merged = pages;
        if let Err(error) = pass(writer) {
            say_unmerged(&self.path, &error);
        }
    }
}

/// What is to be done with a log of `pages`, of which `merged` are in the file. `is_finished`: of the thread that merges
/// it, if one does.
fn due(pages: u32, merged: u32, long_pages: u32, is_finished: Option<bool>) -> Due {
    let behind = pages.saturating_sub(merged);
    match is_finished {
        Some(true) => Due::Finish,
        Some(false) if behind >= long_pages.saturating_mul(BEHIND_LOGS_MAX) => Due::Finish,
        None if pages >= long_pages && behind >= long_pages / MORE_PART => Due::Begin,
        Some(false) | None => Due::Nothing,
    }
}

/// Merges the log of a file on a connection of its own, until it is likely to be flushed too.
fn merge_and_flush(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    let mut length = pass(&connection)?;
    for _ in 1..PASSES_MAX {
        let before = std::mem::replace(&mut length, pass(&connection)?);
        if length == before {
            break; // Nobody committed between the two: the first was flushed.
        }
    }
    Ok(())
}

/// Merges the log up to what its oldest reader still sees, without waiting for anybody; answers the log's length.
fn pass(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get("log"))
}

fn say_unmerged(path: &Path, error: &rusqlite::Error) {
    tracing::warn!(file = %path.display(), %error, "the log could not be merged; it grows until the next try");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_merged_when_it_is_long_and_once_for_each_sixteenth_that_it_grows_then() {
        assert_eq!(due(3_999, 0, 4_000, None), Due::Nothing);
        assert_eq!(due(4_000, 0, 4_000, None), Due::Begin);
        assert_eq!(due(4_001, 4_000, 4_000, None), Due::Nothing, "it was merged, and somebody reads from it");
        assert_eq!(due(4_250, 4_000, 4_000, None), Due::Begin);
    }

    #[test]
    fn what_a_writer_committed_is_in_the_file_once_it_was_merged_beside_it() {
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
        merge_and_flush(&path).unwrap();
        assert!(file_bytes() >= before + 100_000, "{before}, then {}", file_bytes());
        // The writer goes on from the beginning of its log.
        let log_bytes = || std::fs::metadata(folder.path().join("notes.db-wal")).unwrap().len();
        let long = log_bytes();
        writer.execute_batch("INSERT INTO notes VALUES ('one more')").unwrap();
        assert_eq!(log_bytes(), long);
    }

    #[test]
    fn the_writer_finishes_a_merge_that_is_done_or_falls_behind() {
        assert_eq!(due(5_000, 0, 4_000, Some(false)), Due::Nothing);
        assert_eq!(due(5_000, 0, 4_000, Some(true)), Due::Finish);
        assert_eq!(due(16_000, 0, 4_000, Some(false)), Due::Finish);
        assert_eq!(due(20, 0, 4_000, Some(true)), Due::Finish, "it began anew meanwhile");
    }
}
