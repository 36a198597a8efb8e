//! The threads of a database, which own its connections.

use std::{sync::Arc, thread};

use contracts::event::CloudEvent;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Cause, OpenError,
    health::Health,
    job::InlineRunner,
    job_queue::{JobQueue, WriteQueues},
    metrics::DbMetrics,
};

/// How many committed events wait for the publisher. If it falls behind further, the outbox sweeper publishes them.
const COMMITTED_EVENTS_MAX: usize = 10_000;

/// Sends the events of committed jobs to the publisher.
#[derive(Clone)]
pub(crate) struct EventSender(mpsc::Sender<Arc<CloudEvent>>);

impl EventSender {
    /// What the channel has no room for stays in the outbox, for the sweeper.
    pub(crate) fn send(&self, events: Vec<Arc<CloudEvent>>) {
        for event in events {
            let _left_to_the_sweeper = self.0.try_send(event);
        }
    }
}

/// The threads of a database that was just opened, and our ends of its queues.
pub(crate) struct Threads {
    pub(crate) writes: Option<WriteQueues>,
    pub(crate) reads: JobQueue,
    pub(crate) committed_events: mpsc::Receiver<Arc<CloudEvent>>,
    /// Closed when every thread has dropped its [`Alive`].
    pub(crate) ended: mpsc::Receiver<()>,
    /// For reads on the caller's thread.
    pub(crate) inline_readers: Option<Box<dyn InlineRunner>>,
    pub(crate) handles: Vec<thread::JoinHandle<()>>,
    pub(crate) health: Health,
}

/// Held by each thread for as long as it runs.
pub(crate) type Alive = mpsc::Sender<()>;

impl Threads {
    /// No threads yet.
    pub(crate) fn none_of(
        database: &'static str,
        writes: Option<WriteQueues>,
        reads: JobQueue,
        metrics: &DbMetrics,
    ) -> (Self, Alive, EventSender) {
        let (alive, ended) = mpsc::channel(1);
        let (sender, committed_events) = mpsc::channel(COMMITTED_EVENTS_MAX);
        let health = Health::new(database, metrics.clone());
        let threads =
            Self { writes, reads, committed_events, ended, inline_readers: None, handles: Vec::new(), health };
        (threads, alive, EventSender(sender))
    }
}

/// Starts a thread that does `work` for `database`.
pub(crate) fn spawn(
    work: &str,
    database: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, OpenError> {
    let name = format!("db {work} {database}");
    thread::Builder::new().name(name).spawn(run).map_err(|error| OpenError::Thread(Cause::new(error)))
}

/// Opens a database on a thread of its own: opening waits for a disk or a server, and must not block an async thread.
pub(crate) async fn open_off_runtime(
    open: impl FnOnce() -> Result<Threads, OpenError> + Send + 'static,
) -> Result<Threads, OpenError> {
    let (sender, opened) = oneshot::channel();
    let thread = spawn("open", "", move || {
        let _caller_gone = sender.send(open());
    })?;
    let threads =
        opened.await.unwrap_or_else(|_| Err(OpenError::Thread("it ended before the database was open".into())));
    let _panicked = thread.join();
    threads
}
