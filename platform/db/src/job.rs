//! Jobs that wait for a thread with a connection.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use tokio::sync::oneshot;
use trace::TraceContext;

use crate::{DbError, Tx};

/// What happens to the transaction of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commit,
    RollBack,
}

/// A job in a queue. The thread runs it, ends its transaction, and only then answers.
pub(crate) trait Job: Send {
    /// When it was put into the queue.
    fn queued_at(&self) -> Instant;

    /// Runs it once. It may be run again, such as after a collision.
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;

    /// Sends the caller `failure`, or what the last run returned.
    fn answer(self: Box<Self>, failure: Option<DbError>);
}

/// Runs jobs on the caller's thread.
pub(crate) trait InlineRunner: Send + Sync {
    /// Runs the job and sends its result, or returns the job if no connection is free.
    fn run(&self, job: Box<dyn Job>) -> Result<(), Box<dyn Job>>;

    /// Closes the connections: later jobs are returned.
    fn close(&self);
}

/// A closure, and the caller that waits for its result.
pub(crate) struct PendingJob<T, E, F> {
    job: F,
    queued_at: Instant,
    result: Option<Result<T, E>>,
    /// The caller's. The thread that runs the job has none of its own.
    trace_context: Option<TraceContext>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> PendingJob<T, E, F> {
    pub(crate) fn new(job: F, caller: oneshot::Sender<Result<T, E>>) -> Self {
        Self { job, queued_at: Instant::now(), result: None, trace_context: TraceContext::current(), caller }
    }
}

impl<T, E, F> Job for PendingJob<T, E, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn queued_at(&self) -> Instant {
        self.queued_at
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome {
        // A panic must not end the thread, which serves every other job too. Unwinding leaves only the job's own
        // transaction half done, and that is rolled back.
        let result = catch_unwind(AssertUnwindSafe(|| trace::enter(self.trace_context, || (self.job)(tx))))
            .unwrap_or_else(|panic| Err(E::from(job_panicked(panic.as_ref()))));
        let outcome = if result.is_ok() { Outcome::Commit } else { Outcome::RollBack };
        self.result = Some(result);
        outcome
    }

    fn answer(self: Box<Self>, failure: Option<DbError>) {
        let answer = match (failure, self.result) {
            (Some(failure), _) => Err(E::from(failure)),
            (None, Some(result)) => result,
            (None, None) => Err(E::from(DbError::Closed)),
        };
        // The caller may have stopped waiting. What the job wrote is committed all the same.
        let _caller_gone = self.caller.send(answer);
    }
}

fn job_panicked(panic: &(dyn Any + Send)) -> DbError {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("no message");
    tracing::error!(panic = message, "a database job panicked and was rolled back");
    DbError::JobPanicked(message.to_owned())
}
