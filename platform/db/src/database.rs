//! An open database: queues of jobs, and the threads that run them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use contracts::event::CloudEvent;
use tokio::sync::mpsc;

use crate::{
    DbError, DbOptions, DbResult, DbUrl, OpenError, Schema, Tx,
    health::{Health, probe_write},
    job::InlineRunner,
    job_queue::{JobQueue, WriteQueues, answer_of, pending},
    postgres, sqlite,
    threads::{Threads, open_off_runtime},
    url::Location,
};

/// How long [`Db::close`] waits for the jobs in the queues.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The label of the metrics of a database that is open for reading only.
const READ_ONLY_LABEL: &str = "read-only";
/// The label of the metrics of a database that is open beside its owner.
const MAINTENANCE_LABEL: &str = "maintenance";

/// An open database. Clones share it; dropping the last one stops its threads.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    database: &'static str,
    /// For reads on the caller's thread. Declared before the queues, so that it is dropped first: when the queues end,
    /// the writer thread closes the file, and no other connection may be open then.
    inline_readers: Option<Box<dyn InlineRunner>>,
    writes: Option<WriteQueues>,
    reads: JobQueue,
    health: Health,
    committed_events: Mutex<Option<mpsc::Receiver<Arc<CloudEvent>>>>,
    threads_ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Db {
    /// Opens the database at `url`: creates it if it does not exist, migrates its tables, and starts its threads.
    pub async fn open(url: &DbUrl, schema: &Schema, options: DbOptions) -> Result<Self, OpenError> {
        let (location, schema) = (url.0.clone(), *schema);
        let threads = open_off_runtime(move || match &location {
            Location::Sqlite(path) => sqlite::open(path, &schema, &options),
            Location::Postgres(server) => postgres::open(server, &schema, &options),
        })
        .await?;
        Ok(Self::new(schema.service, threads))
    }

    /// Opens a database to write a few rows beside its owner, which may be running. It is neither created nor migrated,
    /// and its write-ahead log is not checkpointed. The owner publishes what is appended to its outbox here.
    ///
    /// # Errors
    /// [`OpenError::NoFile`] if it does not exist yet.
    pub async fn open_existing(url: &DbUrl) -> Result<Self, OpenError> {
        let (location, options) = (url.0.clone(), DbOptions { writers: 1, readers: 1, ..DbOptions::default() });
        let threads = open_off_runtime(move || match &location {
            Location::Sqlite(path) => sqlite::open_existing(path, MAINTENANCE_LABEL, &options),
            Location::Postgres(server) => postgres::open_existing(server, MAINTENANCE_LABEL, &options),
        })
        .await?;
        Ok(Self::new(MAINTENANCE_LABEL, threads))
    }

    /// Opens another service's database for reading, while its owner writes. [`Db::write`] returns
    /// [`DbError::ReadOnly`].
    ///
    /// # Errors
    /// [`OpenError::NoFile`] if it does not exist yet.
    pub async fn open_read_only(url: &DbUrl) -> Result<Self, OpenError> {
        let (location, options) = (url.0.clone(), DbOptions::default());
        let threads = open_off_runtime(move || match &location {
            Location::Sqlite(path) => sqlite::open_read_only(path, READ_ONLY_LABEL, &options),
            Location::Postgres(server) => postgres::open_read_only(server, READ_ONLY_LABEL, &options),
        })
        .await?;
        Ok(Self::new(READ_ONLY_LABEL, threads))
    }

    fn new(database: &'static str, threads: Threads) -> Self {
        Self(Arc::new(Inner {
            database,
            inline_readers: threads.inline_readers,
            writes: threads.writes,
            reads: threads.reads,
            health: threads.health,
            committed_events: Mutex::new(Some(threads.committed_events)),
            threads_ended: tokio::sync::Mutex::new(threads.ended),
            threads: Mutex::new(threads.handles),
        }))
    }

    /// Runs `job` in a write transaction: committed if it returns `Ok`, rolled back if it returns an error or panics.
    /// Returns after the commit. After a collision with a concurrent transaction, `job` is run again.
    ///
    /// # Errors
    /// Those of `job`; [`DbError`] if the database cannot run or commit it.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write_queues()?.immediate.run(job).await
    }

    /// As [`Db::write`], for jobs that nobody waits for, such as most effects of events. SQLite commits them together
    /// with the next [`Db::write`], or by themselves after [`DbOptions::deferred_max_wait`]. At a quiet counter, an
    /// order needs half as many flushes of the disk because of that.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_deferred<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write_queues()?.deferred.run(job).await
    }

    fn write_queues(&self) -> DbResult<&WriteQueues> {
        self.0.writes.as_ref().ok_or(DbError::ReadOnly)
    }

    /// Runs `job` on a snapshot of what is committed, on a reader thread.
    ///
    /// # Errors
    /// Those of `job`; [`DbError`] if the database cannot run it.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.0.reads.run(job).await
    }

    /// As [`Db::read`], for a few rows by their keys. SQLite reads them on the caller's thread, because waking another
    /// thread would take longer. Do not read lists here: they would block every request of the caller's thread.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn point_read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = pending(job);
        let not_run = match &self.0.inline_readers {
            Some(readers) => readers.run(job).err(),
            None => Some(job),
        };
        if let Some(job) = not_run {
            self.0.reads.send(job)?;
        }
        answer_of(answer).await
    }

    /// Checks that writes succeed: inserts a row and deletes it again, unless that succeeded before and no write has
    /// failed since.
    ///
    /// # Errors
    /// [`DbError::DiskFull`], or the error with which writes fail.
    pub async fn check_writable(&self) -> DbResult<()> {
        if self.0.health.is_writable() {
            return Ok(());
        }
        self.write(probe_write).await?;
        self.0.health.probe_succeeded();
        Ok(())
    }

    /// The events that committed jobs appended to the outbox. On SQLite they come in the order of the commits; on
    /// PostgreSQL, where jobs run concurrently, only those of one job are in order. There is one receiver: `None` after
    /// the first call.
    #[must_use]
    pub fn take_committed_events(&self) -> Option<mpsc::Receiver<Arc<CloudEvent>>> {
        self.0.committed_events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Finishes the jobs in the queues, checkpoints SQLite's write-ahead log if this process owns the file, and stops
    /// the threads. Waits five seconds at most. Later jobs get [`DbError::Closed`].
    pub async fn close(&self) {
        if let Some(readers) = &self.0.inline_readers {
            readers.close();
        }
        if let Some(writes) = &self.0.writes {
            writes.close();
        }
        self.0.reads.close();
        let mut ended = self.0.threads_ended.lock().await;
        if tokio::time::timeout(CLOSE_TIMEOUT, ended.recv()).await.is_err() {
            tracing::warn!(
                database = self.0.database,
                "the database is still busy; jobs that are not committed yet may be lost"
            );
            return;
        }
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // It has ended, so this does not block. Panics of jobs are caught and do not end threads.
            let _panicked = thread.join();
        }
    }
}
