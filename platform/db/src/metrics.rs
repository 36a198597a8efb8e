//! The metrics of one database. Handles are made once, when the database is opened: install the recorder before that.

use std::time::Duration;

use metrics::{Gauge, Histogram, gauge, histogram};

use crate::job::Job;

/// The metrics of one database, each with the label `database`. Clones share them.
#[derive(Clone)]
pub(crate) struct DbMetrics {
    /// How long a COMMIT took, with its flush to the disk.
    commit_duration: Histogram,
    /// How many jobs shared a COMMIT.
    commit_group_jobs: Histogram,
    pub(crate) writes: QueueMetrics,
    pub(crate) deferred: QueueMetrics,
    pub(crate) reads: QueueMetrics,
    /// How much of SQLite's write-ahead log is in use.
    wal_size: Gauge,
    /// 1 from the first write that the full disk refused until writes succeed again.
    disk_full: Gauge,
}

/// The metrics of one queue of jobs, with the label `queue`.
#[derive(Clone)]
pub(crate) struct QueueMetrics {
    /// How many jobs wait.
    waiting_jobs: Gauge,
    /// How long a job waited for a thread.
    wait_duration: Histogram,
}

impl DbMetrics {
    pub(crate) fn new(database: &'static str) -> Self {
        let disk_full = gauge!("db_disk_full", "database" => database);
        disk_full.set(0);
        Self {
            commit_duration: histogram!("db_commit_duration_seconds", "database" => database),
            commit_group_jobs: histogram!("db_commit_group_jobs", "database" => database),
            writes: QueueMetrics::new(database, "write"),
            deferred: QueueMetrics::new(database, "deferred"),
            reads: QueueMetrics::new(database, "read"),
            wal_size: gauge!("db_wal_size_bytes", "database" => database),
            disk_full,
        }
    }

    pub(crate) fn committed(&self, jobs: usize, took: Duration) {
        self.commit_duration.record(took);
        self.commit_group_jobs.record(u32::try_from(jobs).unwrap_or(u32::MAX));
    }

    pub(crate) fn set_wal_pages(&self, pages: u32) {
        /// A page of 4 KiB and the header of its frame.
        const FRAME_BYTES: u32 = 4096 + 24;
        self.wal_size.set(f64::from(pages.saturating_mul(FRAME_BYTES)));
    }

    pub(crate) fn set_disk_full(&self, is_full: bool) {
        self.disk_full.set(u32::from(is_full));
    }
}

impl QueueMetrics {
    fn new(database: &'static str, queue: &'static str) -> Self {
        Self {
            waiting_jobs: gauge!("db_queue_jobs", "database" => database, "queue" => queue),
            wait_duration: histogram!("db_pool_wait_duration_seconds", "database" => database, "queue" => queue),
        }
    }

    /// A job is about to be queued. Counting up and down, in place of setting a length, stays right when the queue's two
    /// ends report at the same time.
    pub(crate) fn queueing(&self) {
        self.waiting_jobs.increment(1);
    }

    /// The queue refused the job.
    pub(crate) fn refused(&self) {
        self.waiting_jobs.decrement(1);
    }

    /// A thread took this job from the queue.
    pub(crate) fn taken(&self, job: &dyn Job) {
        self.waiting_jobs.decrement(1);
        self.wait_duration.record(job.queued_at().elapsed());
    }
}
