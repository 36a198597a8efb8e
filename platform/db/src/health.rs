//! Whether writes succeed, as far as is known.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{DbError, DbResult, Tx, metrics::DbMetrics};

/// A full disk may still have room for a small write. The disk counts as full until none was refused for this long, so
/// that the log does not alternate between the two.
const REFUSED_NONE_FOR: Duration = Duration::from_secs(10);

/// Inserts a row and deletes it again: the least that is really written. To update a row with its own values is not
/// enough, because SQLite notices that and writes nothing.
pub(crate) fn probe_write(tx: &mut Tx<'_>) -> DbResult<()> {
    const INSERT: &str = "INSERT INTO inbox (consumer, event_id, received_at) VALUES ('write probe', 'none', 0)";
    const DELETE: &str = "DELETE FROM inbox WHERE consumer = 'write probe'";
    tx.execute(INSERT, ())?;
    tx.execute(DELETE, ()).map(drop)
}

/// What is known about writes to one database. Clones share it.
#[derive(Clone)]
pub(crate) struct Health(Arc<Known>);

struct Known {
    database: &'static str,
    /// A write succeeded on request, and none failed after it. Before that, nothing is known.
    is_writable: AtomicBool,
    /// Read for each commit, so that the mutex is not locked for each.
    is_disk_full: AtomicBool,
    disk: Mutex<Disk>,
    metrics: DbMetrics,
}

impl Health {
    pub(crate) fn new(database: &'static str, metrics: DbMetrics) -> Self {
        Self(Arc::new(Known {
            database,
            is_writable: AtomicBool::new(false),
            is_disk_full: AtomicBool::new(false),
            disk: Mutex::new(Disk::default()),
            metrics,
        }))
    }

    /// Whether writes are known to succeed. If not, a write must be attempted to find out.
    pub(crate) fn is_writable(&self) -> bool {
        self.0.is_writable.load(Ordering::Relaxed)
    }

    /// A write that was made to find out has succeeded.
    pub(crate) fn probe_succeeded(&self) {
        self.0.is_writable.store(true, Ordering::Relaxed);
        self.write_succeeded();
    }

    /// A write failed. An error of the statement itself is ignored: it is no outage of the database.
    pub(crate) fn write_failed(&self, error: &DbError) {
        if let DbError::DiskFull(_) | DbError::Unavailable(_) = error {
            self.0.is_writable.store(false, Ordering::Relaxed);
        }
        if let DbError::DiskFull(_) = error
            && self.disk(|disk| disk.refused_write(Instant::now()))
        {
            self.0.is_disk_full.store(true, Ordering::Relaxed);
            self.0.metrics.set_disk_full(true);
            tracing::error!(database = self.0.database, error = %errors::chain(error), "writes fail: the disk is full");
        }
    }

    /// Rows were changed and committed. A commit that may have been empty proves nothing and is not reported here.
    pub(crate) fn write_succeeded(&self) {
        if self.0.is_disk_full.load(Ordering::Relaxed) && self.disk(|disk| disk.accepted_write(Instant::now())) {
            self.0.is_disk_full.store(false, Ordering::Relaxed);
            self.0.metrics.set_disk_full(false);
            tracing::info!(database = self.0.database, "writes succeed again: the disk has space");
        }
    }

    fn disk<T>(&self, with: impl FnOnce(&mut Disk) -> T) -> T {
        with(&mut self.0.disk.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the disk is full, and since when it has not refused a write.
#[derive(Debug, Default)]
struct Disk {
    last_refusal: Option<Instant>,
}

impl Disk {
    /// Whether the disk has become full by this.
    fn refused_write(&mut self, now: Instant) -> bool {
        self.last_refusal.replace(now).is_none()
    }

    /// Whether the disk has space again.
    fn accepted_write(&mut self, now: Instant) -> bool {
        self.last_refusal.take_if(|refusal| now.duration_since(*refusal) >= REFUSED_NONE_FOR).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_once_that_the_disk_is_full_and_once_that_it_has_space() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut disk = Disk::default();
        assert!(!disk.accepted_write(at(0)), "it was never full");
        assert!(disk.refused_write(at(1)));
        for second in 2..60 {
            assert!(!disk.refused_write(at(second)), "it is known to be full");
            assert!(!disk.accepted_write(at(second)), "a small write still fits");
        }
        assert!(!disk.accepted_write(at(68)));
        assert!(disk.accepted_write(at(69)));
        assert!(!disk.accepted_write(at(70)), "it is known to have space");
        assert!(disk.refused_write(at(71)));
    }
}
