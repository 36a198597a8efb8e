//! Queues of jobs, bounded.

use std::sync::{PoisonError, RwLock};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use crate::{
    DbError, Tx,
    job::{Job, PendingJob},
    metrics::QueueMetrics,
};

/// The queues of a database that can be written. On PostgreSQL both lead to the same threads.
pub(crate) struct WriteQueues {
    pub(crate) immediate: JobQueue,
    /// Jobs that nobody waits for. Closed after the other: SQLite's writer ends when `immediate` is closed and both are
    /// empty.
    pub(crate) deferred: JobQueue,
}

impl WriteQueues {
    pub(crate) fn close(&self) {
        self.immediate.close();
        self.deferred.close();
    }
}

/// Jobs that wait for a thread. After [`JobQueue::close`] the threads finish the jobs that wait, and end.
pub(crate) struct JobQueue {
    sender: RwLock<Option<Sender<Box<dyn Job>>>>,
    metrics: QueueMetrics,
}

impl JobQueue {
    /// A queue in which at most `jobs_waiting_max` wait, and its other end.
    pub(crate) fn bounded(jobs_waiting_max: usize, metrics: &QueueMetrics) -> (Self, Receiver<Box<dyn Job>>) {
        let (sender, jobs) = crossbeam_channel::bounded(jobs_waiting_max);
        (Self { sender: RwLock::new(Some(sender)), metrics: metrics.clone() }, jobs)
    }

    /// A second entrance to the same queue. The queue ends when both are closed.
    pub(crate) fn second_entrance(&self) -> Self {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        Self { sender: RwLock::new(sender.clone()), metrics: self.metrics.clone() }
    }

    pub(crate) async fn run<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = pending(job);
        self.send(job)?;
        answer_of(answer).await
    }

    pub(crate) fn send(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(DbError::Closed)?;
        self.metrics.queueing();
        sender.try_send(job).map_err(|refused| {
            self.metrics.refused();
            match refused {
                TrySendError::Full(_) => DbError::Overloaded,
                TrySendError::Disconnected(_) => DbError::Closed,
            }
        })
    }

    pub(crate) fn close(&self) {
        self.sender.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A job for a queue, and the receiver of its result.
pub(crate) fn pending<T, E, F>(job: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(PendingJob::new(job, caller)), answer)
}

/// Waits for the answer. A job that was dropped without one was in the queue of a database that was closed.
pub(crate) async fn answer_of<T, E: From<DbError>>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.await.unwrap_or_else(|_dropped| Err(DbError::Closed.into()))
}
