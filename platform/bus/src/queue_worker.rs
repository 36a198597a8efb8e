//! How the events of one queue are consumed, the same for every adapter: a permit, the consumer, retries with pauses,
//! and the dead letter.
//!
//! Dead letters are written to the consumer's own database. While that database cannot be written, nothing is
//! dead-lettered: the event is retried until the database works again, however long that takes.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use contracts::event::{CloudEvent, Queue};
use futures::FutureExt;
use metrics::{Counter, counter};
use tokio::sync::{Semaphore, watch};
use trace::TraceContext;
use tracing::Instrument;

use crate::{ATTEMPTS_MAX, CONCURRENT_EVENTS_MAX, ConsumeError, Consumer};

/// The pause after the first attempt. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause, so that the first event after a long outage is consumed soon after its end.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Consumes the events of one queue.
pub(crate) struct QueueWorker {
    queue: Queue,
    consumer: Arc<dyn Consumer>,
    permits: Semaphore,
    stopped: watch::Sender<bool>,
    counters: Counters,
    /// Whether the consumer's database is unavailable, so that each outage is logged once.
    is_in_outage: AtomicBool,
}

/// The worker was stopped before the event was consumed or dead-lettered: it must not be acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

struct Counters {
    consumed: Counter,
    retried: Counter,
    dead_lettered: Counter,
}

impl QueueWorker {
    pub(crate) fn new(queue: Queue, consumer: Arc<dyn Consumer>) -> Self {
        let (stopped, _) = watch::channel(false);
        Self {
            queue,
            consumer,
            permits: Semaphore::new(CONCURRENT_EVENTS_MAX),
            stopped,
            counters: Counters::of(queue),
            is_in_outage: AtomicBool::new(false),
        }
    }

    pub(crate) fn queue(&self) -> Queue {
        self.queue
    }

    /// Consumes an event, with retries, or dead-letters it. After that it may be acknowledged.
    pub(crate) async fn process(&self, event: &Arc<CloudEvent>) -> Result<(), Stopped> {
        let (mut attempts, mut retries) = (0_u32, 0_u32);
        loop {
            let error = match self.attempt(event, retries.saturating_add(1)).await? {
                Ok(()) => {
                    self.counters.consumed.increment(1);
                    return Ok(());
                }
                Err(error) => error,
            };
            // An outage of the database is no failure of the event.
            let is_outage = matches!(error, ConsumeError::Unavailable(_));
            attempts = attempts.saturating_add(u32::from(!is_outage));
            if is_final(&error, attempts) && self.dead_letter(event, &error, attempts).await? {
                self.counters.dead_lettered.increment(1);
                return Ok(());
            }
            let (queue, id) = (self.queue.name(), event.id);
            tracing::debug!(queue, event = %id, attempts, error = %errors::chain(&error), "event is retried");
            self.counters.retried.increment(1);
            retries = retries.saturating_add(1);
            self.pause(retries).await?;
        }
    }

    /// Ends every wait for a permit and every pause. Events that are being consumed go on.
    pub(crate) fn stop(&self) {
        self.permits.close();
        self.stopped.send_replace(true);
    }

    /// One attempt, with a permit of its own: an event that pauses does not keep another from being consumed.
    async fn attempt(&self, event: &Arc<CloudEvent>, attempt: u32) -> Result<Result<(), ConsumeError>, Stopped> {
        let _permit = self.permits.acquire().await.map_err(|_closed| Stopped)?;
        let outcome = consume_once(self.queue, &*self.consumer, event, attempt).await;
        self.log_outage(&outcome);
        Ok(outcome)
    }

    /// Writes the dead letter. `false`: the database does not take it, so the event must be retried.
    async fn dead_letter(&self, event: &Arc<CloudEvent>, error: &ConsumeError, attempts: u32) -> Result<bool, Stopped> {
        let _permit = self.permits.acquire().await.map_err(|_closed| Stopped)?;
        let (queue, kind, text) = (self.queue.name(), event.kind.name(), errors::chain(error).to_string());
        let write = async { self.consumer.dead_letter(Arc::clone(event), text.clone(), attempts).await };
        let written = AssertUnwindSafe(write).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)));
        self.log_outage(&written);
        match written {
            Ok(()) => {
                tracing::error!(queue, kind, event = %event.id, attempts, error = text, "event dead-lettered");
                Ok(true)
            }
            Err(cause) => {
                let cause = errors::chain(&cause);
                tracing::debug!(queue, kind, event = %event.id, error = text, %cause, "dead letter not written");
                Ok(false)
            }
        }
    }

    /// Logs the first event that an outage delays, and the first that is consumed after it.
    fn log_outage(&self, outcome: &Result<(), ConsumeError>) {
        let queue = self.queue.name();
        match outcome {
            Err(error @ ConsumeError::Unavailable(_)) => {
                if !self.is_in_outage.swap(true, Ordering::Relaxed) {
                    tracing::warn!(queue, error = %errors::chain(error), "events wait for the consumer's database");
                }
            }
            Ok(()) => {
                if self.is_in_outage.swap(false, Ordering::Relaxed) {
                    tracing::info!(queue, "the consumer's database is available again");
                }
            }
            Err(_) => {}
        }
    }

    async fn pause(&self, retries: u32) -> Result<(), Stopped> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            () = tokio::time::sleep(pause_before(retries)) => Ok(()),
            _ = stopped.wait_for(|stopped| *stopped) => Err(Stopped),
        }
    }
}

/// Gives an event to a consumer once, in a span and in the trace that the event carries. A panic is an error to retry.
pub async fn consume_once(
    queue: Queue,
    consumer: &dyn Consumer,
    event: &Arc<CloudEvent>,
    attempt: u32,
) -> Result<(), ConsumeError> {
    let context = TraceContext::from_traceparent(event.traceparent.as_deref())
        .map_or_else(TraceContext::new_root, |publisher| publisher.child());
    let span = tracing::debug_span!(
        "consume",
        kind = event.kind.name(),
        event_id = %event.id,
        subject = event.subject,
        queue = queue.name(),
        trace_id = %context.trace_id_hex(),
        attempt,
    );
    let consume = async {
        let consumed = consumer.consume(Arc::clone(event)).await;
        if consumed.is_ok() {
            tracing::debug!("event consumed");
        }
        consumed
    };
    let consume = trace::scope(context, consume).instrument(span);
    AssertUnwindSafe(consume).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

impl Counters {
    fn of(queue: Queue) -> Self {
        let queue = queue.name();
        Self {
            consumed: counter!("events_consumed_total", "queue" => queue),
            retried: counter!("events_retried_total", "queue" => queue),
            dead_lettered: counter!("events_dead_lettered_total", "queue" => queue),
        }
    }
}

/// Whether the event is dead-lettered after this error instead of being retried.
fn is_final(error: &ConsumeError, attempts: u32) -> bool {
    match error {
        ConsumeError::Permanent(_) => true,
        ConsumeError::Retry(_) => attempts >= ATTEMPTS_MAX,
        ConsumeError::Unavailable(_) => false,
    }
}

fn pause_before(retry: u32) -> Duration {
    let doublings = retry.saturating_sub(1);
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_MAX)
}

fn panicked(panic: &(dyn Any + Send)) -> ConsumeError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ConsumeError::retry(format!("the consumer panicked: {}", text.unwrap_or("without a message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let pauses: Vec<u128> = (1..=9).map(|retry| pause_before(retry).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(pause_before(u32::MAX), PAUSE_MAX);
    }
}
