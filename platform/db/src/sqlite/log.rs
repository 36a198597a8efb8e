//! A file's write-ahead log: merged into the file beside the writer, which everybody waits for.
//!
//! The log begins anew once all of it is merged and nobody reads from it. So a thread of its own merges what there is,
//! and then the writer merges the little that was committed meanwhile.

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

/// A log of so many pages is merged: about 16 MiB, so that it is rare and the log stays small.
const LONG_PAGES: u32 = 4_000;
/// A long log that could not begin anew is merged again after so many more.
const MORE_PAGES: u32 = 250;
/// The writer waits for a merge that falls behind by so many: four long logs.
const BEHIND_PAGES_MAX: u32 = 4 * LONG_PAGES;

/// The log of a file that this process owns.
pub(super) struct Log {
    path: PathBuf,
    /// Its length after the last commit.
    pages: Arc<AtomicU32>,
    /// How many of them are in the file, or were tried to be.
    merged: u32,
    merging: Option<JoinHandle<()>>,
}

impl Log {
    /// Has the connection that writes the file tell the log's length, instead of merging it by itself.
    pub(super) fn of(connection: &mut Connection, path: &Path) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, length| {
            told.store(u32::try_from(length).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { path: path.to_owned(), pages, merged: 0, merging: None })
    }

    /// Merges it where it has become long: to be called between two transactions of the writer.
    pub(super) fn mind(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.merged {
            self.merged = 0; // It began anew.
        }
        let behind = pages - self.merged;
        match self.merging.take() {
            Some(merging) if merging.is_finished() || behind >= BEHIND_PAGES_MAX => self.finish(merging, writer),
            Some(merging) => self.merging = Some(merging),
            None if pages >= LONG_PAGES && behind >= MORE_PAGES => self.begin(),
            None => {}
        }
    }

    /// Waits for a merge that is under way.
    pub(super) fn wait(&mut self) {
        if let Some(merging) = self.merging.take() {
            // It has no panic to tell of: it logs what fails.
            let _ended = merging.join();
        }
    }

    fn begin(&mut self) {
        let path = self.path.clone();
        let merge = move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let merged = Connection::open_with_flags(&path, flags).and_then(|connection| {
                connection.busy_timeout(BUSY_WAIT)?;
                merge(&connection)
            });
            if let Err(error) = merged {
                tracing::warn!(file = %path.display(), %error, "the log could not be merged; trying again later");
            }
        };
        match spawn("merge", &name_of(&self.path), merge) {
            Ok(merging) => self.merging = Some(merging),
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "the log is not merged; trying again later");
                self.merged = self.pages.load(Ordering::Relaxed);
            }
        }
    }

    fn finish(&mut self, merging: JoinHandle<()>, writer: &Connection) {
        self.merging = Some(merging);
        self.wait();
        // Also where that fails: it is tried again after more pages, and not after each commit.
        self.merged = self.pages.load(Ordering::Relaxed);
        if let Err(error) = merge(writer) {
            tracing::warn!(file = %self.path.display(), %error, "the log could not be merged; trying again later");
        }
    }
}

/// Merges what nobody reads from the log any more, without keeping anybody waiting.
fn merge(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
