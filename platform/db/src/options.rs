//! How a database is used.

use std::time::Duration;

/// A commit that takes longer is logged.
pub(crate) const SLOW_COMMIT: Duration = Duration::from_secs(1);

/// How a database is used.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// For benchmarks: a slower disk. Added after each commit.
    pub commit_delay: Duration,
    /// How long SQLite waits, with deferred jobs in the queue ([`Db::write_deferred`]), for a job to commit them with.
    pub deferred_max_wait: Duration,
    /// How many threads write to PostgreSQL. SQLite has one.
    pub writers: usize,
    /// How many threads read. On SQLite, also how many point reads run at once on the threads of their callers.
    pub readers: usize,
    /// From how many pages of 4 KiB on SQLite's write-ahead log is checkpointed: often enough that it stays small, and
    /// seldom enough that it costs little.
    pub checkpoint_pages: u32,
    /// While the disk has fewer free bytes, SQLite's write-ahead log is kept short, so that its space is there for the
    /// file: a checkpoint of new rows needs space before it frees any.
    pub free_bytes_min: u64,
    /// How many jobs may wait in each queue: reads, writes, and on SQLite deferred writes. More are refused with
    /// [`DbError::Overloaded`].
    pub jobs_waiting_max: usize,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            commit_delay: Duration::ZERO,
            deferred_max_wait: Duration::from_millis(10),
            writers: 4,
            readers: 2,
            checkpoint_pages: 4_000,
            free_bytes_min: 64 * 1024 * 1024,
            jobs_waiting_max: 4096,
        }
    }
}
