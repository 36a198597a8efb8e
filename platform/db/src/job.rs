//! Jobs that wait for a thread with a connection.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tokio::sync::oneshot;
use trace::TraceContext;

use crate::{DbError, Tx};

/// What becomes of what a job wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Keep,
    RollBack,
}

/// A job in a queue. The thread runs it, ends its transaction, and only then answers.
pub(crate) trait Job: Send {
    /// Runs it once; it may be run again after a collision.
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;

    /// Answers the caller: `failure`, or what the last run answered.
    fn answer(self: Box<Self>, failure: Option<DbError>);
}

/// A closure and the caller that waits for its answer.
pub(crate) struct PendingJob<T, E, F> {
    job: F,
    outcome: Option<Result<T, E>>,
    /// The caller's. The thread that runs the job has none of its own.
    trace_context: Option<TraceContext>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> PendingJob<T, E, F> {
    pub(crate) fn new(job: F, caller: oneshot::Sender<Result<T, E>>) -> Self {
        Self { job, outcome: None, trace_context: TraceContext::current(), caller }
    }
}

impl<T, E, F> Job for PendingJob<T, E, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome {
        // A panic must not end the thread that every other job of the service needs. What the job saw half done is
        // its transaction alone, and that is rolled back.
        let outcome = catch_unwind(AssertUnwindSafe(|| trace::enter(self.trace_context, || (self.job)(tx))))
            .unwrap_or_else(|panic| Err(E::from(panicked(panic.as_ref()))));
        let verdict = if outcome.is_ok() { Outcome::Keep } else { Outcome::RollBack };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, failure: Option<DbError>) {
        let answer = match (failure, self.outcome) {
            (Some(failure), _) => Err(E::from(failure)),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(E::from(DbError::Closed)),
        };
        // A caller that has gone away does not need its answer; what the job wrote is kept all the same.
        let _gone = self.caller.send(answer);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> DbError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("without a text");
    tracing::error!(panic = text, "a database job panicked; nothing of it is kept");
    DbError::statement("a job", format!("the job panicked: {text}"))
}
