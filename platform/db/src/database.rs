//! A database that is open: queues of jobs and the threads that run them.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use contracts::event::CloudEvent;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::{mpsc, oneshot};

use crate::{
    DbError, DbResult, DbUrl, OpenError, Schema, Tx,
    job::{Job, PendingJob},
    outbox, postgres, sqlite,
    url::Place,
};

/// How long [`Db::close`] waits for the jobs that were queued.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// How many appended events wait for the publisher. When it falls behind further, the sweeper takes them.
const APPENDED_EVENTS_MAX: usize = 10_000;

/// A commit that takes longer is worth a line in the log.
pub(crate) const SLOW_COMMIT: Duration = Duration::from_secs(1);

/// How a database is used.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// For benchmarks: a slower disk. Added after each commit.
    pub commit_delay: Duration,
    /// How long SQLite holds back what nobody waits for ([`Db::write_deferred`]), so that it shares the flush of what
    /// somebody does.
    pub soon: Duration,
    /// How many threads write to PostgreSQL. SQLite has one.
    pub writers: usize,
    /// How many threads read; on SQLite, how many reads by key run beside them on the threads of their callers.
    pub readers: usize,
    /// The length from which SQLite's log is merged into its file, in pages of 4 KiB: long enough that it is rare, short
    /// enough that the log stays small.
    pub checkpoint_pages: u32,
    /// How many jobs may wait in each queue: of reads, of writes, and on SQLite of writes that nobody waits for. More are
    /// refused as [`DbError::Overloaded`].
    pub jobs_waiting_max: usize,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            commit_delay: Duration::ZERO,
            soon: Duration::from_millis(10),
            writers: 4,
            readers: 2,
            checkpoint_pages: 4_000,
            jobs_waiting_max: 4096,
        }
    }
}

/// A database that is open. Clones share it; the last one to go stops its threads.
#[derive(Clone)]
pub struct Db(Arc<Open>);

struct Open {
    service: &'static str,
    /// For reads on the caller's thread. Before the queues: the thread that writes ends with them, and its file is then
    /// to be open nowhere else.
    near: Option<sqlite::InlineReaders>,
    writes: Option<WriteQueues>,
    reads: JobQueue,
    health: Health,
    appended: Mutex<Option<mpsc::Receiver<Arc<CloudEvent>>>>,
    /// Its threads hold the other end.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
    handles: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Db {
    /// Opens the database at `url`: makes it where it does not exist, brings its tables up to date, starts its threads.
    ///
    /// # Errors
    /// Where it cannot be reached or written, or its tables are not those that this program knows.
    pub async fn open(url: &DbUrl, schema: &Schema, settings: DbOptions) -> Result<Self, OpenError> {
        let (url, schema) = (url.clone(), *schema);
        let threads = on_own_thread(move || match &url.0 {
            Place::Sqlite(path) => sqlite::open(path, &schema, &settings),
            Place::Postgres(server) => postgres::open(server, &schema, &settings),
        })
        .await?;
        Ok(Self::of(schema.service, threads))
    }

    /// Opens a database as it is, to write a little beside its owner, who may be running: it is neither made nor brought
    /// up to date, and its log is left alone. What is appended to its outbox there is published by the owner.
    ///
    /// # Errors
    /// Where it does not exist or cannot be reached.
    pub async fn open_existing(url: &DbUrl) -> Result<Self, OpenError> {
        let (url, settings) = (url.clone(), DbOptions { writers: 1, readers: 1, ..DbOptions::default() });
        let threads = on_own_thread(move || match &url.0 {
            Place::Sqlite(path) => sqlite::open_existing(path, &settings),
            Place::Postgres(server) => postgres::open_existing(server, &settings),
        })
        .await?;
        Ok(Self::of("beside", threads))
    }

    /// Opens another service's database to read it, while its owner writes. [`Db::write`] answers
    /// [`DbError::ReadOnly`].
    ///
    /// # Errors
    /// Where it does not exist or cannot be reached.
    pub async fn open_read_only(url: &DbUrl) -> Result<Self, OpenError> {
        let url = url.clone();
        let threads = on_own_thread(move || match &url.0 {
            Place::Sqlite(path) => sqlite::open_read_only(path, &DbOptions::default()),
            Place::Postgres(server) => postgres::open_read_only(server, &DbOptions::default()),
        })
        .await?;
        Ok(Self::of("read only", threads))
    }

    fn of(service: &'static str, threads: Threads) -> Self {
        Self(Arc::new(Open {
            service,
            near: threads.near,
            writes: threads.writes,
            reads: threads.reads,
            health: threads.health,
            appended: Mutex::new(Some(threads.appended)),
            ended: tokio::sync::Mutex::new(threads.ended),
            handles: Mutex::new(threads.handles),
        }))
    }

    /// Runs `job` in a write transaction: committed when it answers `Ok`, rolled back when it answers an error or
    /// panics. The answer comes after the commit. After a collision with another transaction, `job` is run again.
    ///
    /// # Errors
    /// The job's own; [`DbError`] where the database cannot take it or keep it.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.writes()?.now.run(job).await
    }

    /// As [`Db::write`], for what nobody waits for, such as most effects of events: SQLite commits it with the next
    /// [`Db::write`], or by itself after [`DbOptions::soon`]. At a quiet counter an order's flushes are halved by that.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_deferred<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.writes()?.soon.run(job).await
    }

    fn writes(&self) -> DbResult<&WriteQueues> {
        self.0.writes.as_ref().ok_or(DbError::ReadOnly)
    }

    /// Runs `job` on a snapshot of what is committed.
    ///
    /// # Errors
    /// The job's own; [`DbError`] where the database cannot take it.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.0.reads.run(job).await
    }

    /// As [`Db::read`], for a few rows by their keys. SQLite reads them on the caller's thread: that takes less time than
    /// to wake another one. What may take longer, such as a list, would hold up every request of that thread.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn point_read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = waiting(job);
        let done = match &self.0.near {
            Some(near) => near.run(job),
            None => Err(job),
        };
        if let Err(job) = done {
            self.0.reads.send(job)?;
        }
        answered(answer).await
    }

    /// Whether writes are kept: none was lost since the last time that one was asked for here, which changes nothing.
    ///
    /// # Errors
    /// [`DbError`] says what keeps them from it, such as a full disk.
    pub async fn check_writable(&self) -> DbResult<()> {
        if !self.0.health.is_sick() {
            return Ok(());
        }
        self.write(outbox::rewrite_lease).await?;
        self.0.health.recovered();
        Ok(())
    }

    /// The events that committed writes append to the outbox: in the order of the commits on SQLite, in the order of
    /// each job on PostgreSQL, where writes run beside each other. There is one receiver: the first call takes it.
    #[must_use]
    pub fn take_committed_events(&self) -> Option<mpsc::Receiver<Arc<CloudEvent>>> {
        self.0.appended.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Finishes the jobs that are queued, merges SQLite's log into its file if that is ours, and stops the threads. Waits five
    /// seconds at most. Later jobs are answered [`DbError::Closed`].
    pub async fn close(&self) {
        if let Some(near) = &self.0.near {
            near.close();
        }
        if let Some(writes) = &self.0.writes {
            writes.now.close();
            writes.soon.close();
        }
        self.0.reads.close();
        let mut ended = self.0.ended.lock().await;
        if tokio::time::timeout(CLOSE_WAIT, ended.recv()).await.is_err() {
            tracing::warn!(service = self.0.service, "the database is still busy; what was not committed is lost");
            return;
        }
        let handles = std::mem::take(&mut *self.0.handles.lock().unwrap_or_else(PoisonError::into_inner));
        for handle in handles {
            // It has ended: this does not wait. A job's panic does not reach the thread.
            let _ended = handle.join();
        }
    }
}

/// The queues of a database that may be written. On PostgreSQL both lead to the same threads.
pub(crate) struct WriteQueues {
    pub(crate) now: JobQueue,
    /// What nobody waits for. It is closed after the other: SQLite's writer ends when neither has a job any more.
    pub(crate) soon: JobQueue,
}

/// Where jobs wait. Closing it lets the threads finish what waits, and end.
pub(crate) struct JobQueue(RwLock<Option<Sender<Box<dyn Job>>>>);

impl JobQueue {
    /// One in which so many jobs may wait, and where they are taken from.
    pub(crate) fn bounded(jobs_waiting_max: usize) -> (Self, Receiver<Box<dyn Job>>) {
        let (sender, jobs) = crossbeam_channel::bounded(jobs_waiting_max);
        (Self(RwLock::new(Some(sender))), jobs)
    }

    /// The same queue, which ends when both were closed.
    pub(crate) fn another(&self) -> Self {
        let sender = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Self(RwLock::new(sender.clone()))
    }

    async fn run<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = waiting(job);
        self.send(job)?;
        answered(answer).await
    }

    fn send(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        let sender = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().ok_or(DbError::Closed)?.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => DbError::Overloaded,
            TrySendError::Disconnected(_) => DbError::Closed,
        })
    }

    fn close(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A job for a queue, and where its answer will be.
fn waiting<T, E, F>(job: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(PendingJob::new(job, caller)), answer)
}

async fn answered<T, E: From<DbError>>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.await.unwrap_or_else(|_ended| Err(DbError::Closed.into()))
}

/// Whether a write was lost since the last that was tried to find out. A commit says nothing: it may have been of
/// nothing. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Health(Arc<AtomicBool>);

impl Health {
    /// Notes why a write failed. What the database refused for what it said tells nothing.
    pub(crate) fn note(&self, failure: &DbError) {
        if matches!(failure, DbError::Unavailable(_)) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn recovered(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_sick(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The threads of a database that was just opened, and the near ends of its queues.
pub(crate) struct Threads {
    writes: Option<WriteQueues>,
    reads: JobQueue,
    appended: mpsc::Receiver<Arc<CloudEvent>>,
    ended: mpsc::Receiver<()>,
    /// For reads on the caller's thread.
    pub(crate) near: Option<sqlite::InlineReaders>,
    pub(crate) handles: Vec<thread::JoinHandle<()>>,
    pub(crate) health: Health,
}

impl Threads {
    /// No threads yet. Each keeps a clone of the first sender for as long as it lives; writers send what they
    /// appended to the second.
    pub(crate) fn new(
        writes: Option<WriteQueues>,
        reads: JobQueue,
    ) -> (Self, mpsc::Sender<()>, mpsc::Sender<Arc<CloudEvent>>) {
        let (alive, ended) = mpsc::channel(1);
        let (to_publisher, appended) = mpsc::channel(APPENDED_EVENTS_MAX);
        let (handles, health) = (Vec::new(), Health::default());
        (Self { writes, reads, appended, ended, near: None, handles, health }, alive, to_publisher)
    }
}

/// Starts a thread of a database.
pub(crate) fn spawn(
    work: &str,
    database: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, OpenError> {
    let name = format!("db {work} {database}");
    thread::Builder::new().name(name).spawn(run).map_err(|error| OpenError::Thread(error.to_string()))
}

/// Hands events on after their commit. What the publisher has no room for stays in the outbox, for the sweeper.
pub(crate) fn send_appended(publisher: &mpsc::Sender<Arc<CloudEvent>>, events: Vec<Arc<CloudEvent>>) {
    for event in events {
        let _left_to_the_sweeper = publisher.try_send(event);
    }
}

/// Opening waits for a disk or a server, so it does not happen on a thread that serves requests.
async fn on_own_thread(
    open: impl FnOnce() -> Result<Threads, OpenError> + Send + 'static,
) -> Result<Threads, OpenError> {
    let (opened, answer) = oneshot::channel();
    let thread = spawn("open", "", move || {
        let _caller_gone = opened.send(open());
    })?;
    let threads =
        answer.await.unwrap_or_else(|_| Err(OpenError::Thread("it ended before the database was open".into())));
    let _ended = thread.join();
    threads
}
