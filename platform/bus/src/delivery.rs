//! What happens to an event in a queue, the same for every adapter: a slot, the consumer, retries with pauses, the
//! dead letter.
//!
//! Dead letters are kept in the consumer's own database. While that cannot be used, nothing is dead-lettered: an outage
//! of any length leaves every event to be acted on after it.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use contracts::event::{CloudEvent, Queue};
use futures::FutureExt;
use tokio::sync::{Semaphore, watch};

use crate::{ATTEMPTS_MAX, CONCURRENT_EVENTS_MAX, ConsumeError, Consumer};

/// The pause after the first attempt; each further one is twice as long. What is busy for a moment is tried again soon.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause. What is away for long is not asked more often than this.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The way of the events of one queue to their consumer.
pub(crate) struct Delivery {
    queue: Queue,
    consumer: Arc<dyn Consumer>,
    slots: Semaphore,
    stopped: watch::Sender<bool>,
}

/// The delivery was stopped before the event was acted on or dead-lettered: it must not be acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

impl Delivery {
    pub(crate) fn new(queue: Queue, consumer: Arc<dyn Consumer>) -> Self {
        let (stopped, _) = watch::channel(false);
        Self { queue, consumer, slots: Semaphore::new(CONCURRENT_EVENTS_MAX), stopped }
    }

    /// Which queue's.
    pub(crate) fn queue(&self) -> Queue {
        self.queue
    }

    /// Has one event acted on, again after pauses if need be, or dead-lettered. Then it may be acknowledged.
    pub(crate) async fn see_through(&self, event: &Arc<CloudEvent>) -> Result<(), Stopped> {
        let (mut attempts, mut pauses) = (0_u32, 0_u32);
        let error = loop {
            let error = match self.act(event).await? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let is_unavailable = matches!(error, ConsumeError::Unavailable(_));
            attempts = attempts.saturating_add(u32::from(!is_unavailable));
            if matches!(error, ConsumeError::Permanent(_)) || attempts >= ATTEMPTS_MAX {
                break error;
            }
            let queue = self.queue.name();
            tracing::debug!(queue, event = %event.id, attempts, error = %errors::chain(&error), "event not acted on yet");
            pauses = pauses.saturating_add(1);
            self.pause(pauses).await?;
        };
        self.dead_letter(event, error, attempts).await
    }

    /// Ends every wait for a slot or a pause; what the consumer has in hand goes on.
    pub(crate) fn stop(&self) {
        self.slots.close();
        self.stopped.send_replace(true);
    }

    /// One attempt, in a slot of its own: an event in its pause takes no other's place.
    async fn act(&self, event: &Arc<CloudEvent>) -> Result<Result<(), ConsumeError>, Stopped> {
        let _slot = self.slots.acquire().await.map_err(|_| Stopped)?;
        let act = async { self.consumer.consume(Arc::clone(event)).await };
        Ok(AssertUnwindSafe(act).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic))))
    }

    /// Dead-letters an event, and does not give up: an event that is neither acted on nor dead-lettered would be lost.
    /// If its dead letter cannot be written, the database is what fails, more likely than the event: so after each
    /// failure the event is acted on once more.
    async fn dead_letter(
        &self,
        event: &Arc<CloudEvent>,
        mut error: ConsumeError,
        mut attempts: u32,
    ) -> Result<(), Stopped> {
        let (queue, kind) = (self.queue.name(), event.kind.name());
        let mut writes: u32 = 0;
        loop {
            let text = errors::chain(&error).to_string();
            if !matches!(error, ConsumeError::Unavailable(_)) {
                match self.write_dead_letter(event, &text, attempts).await? {
                    Ok(()) => {
                        metrics::counter!("dead_letters_total", "queue" => queue).increment(1);
                        tracing::error!(queue, kind, event = %event.id, attempts, error = text, "event dead-lettered");
                        return Ok(());
                    }
                    Err(cause) if writes == 0 => {
                        let cause = errors::chain(&cause);
                        tracing::warn!(queue, event = %event.id, %cause, "dead letter not written: acting on the event again");
                    }
                    Err(cause) => {
                        tracing::debug!(queue, event = %event.id, writes, cause = %errors::chain(&cause), "dead letter not written");
                    }
                }
            }
            writes = writes.saturating_add(1);
            self.pause(writes).await?;
            match self.act(event).await? {
                Ok(()) => return Ok(()),
                Err(again) => {
                    attempts = attempts.saturating_add(1);
                    error = again;
                }
            }
        }
    }

    async fn write_dead_letter(
        &self,
        event: &Arc<CloudEvent>,
        error: &str,
        attempts: u32,
    ) -> Result<Result<(), ConsumeError>, Stopped> {
        let _slot = self.slots.acquire().await.map_err(|_| Stopped)?;
        let write = async { self.consumer.dead_letter(Arc::clone(event), error.to_owned(), attempts).await };
        Ok(AssertUnwindSafe(write).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic))))
    }

    async fn pause(&self, attempts: u32) -> Result<(), Stopped> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            () = tokio::time::sleep(pause_after(attempts)) => Ok(()),
            _ = stopped.wait_for(|stopped| *stopped) => Err(Stopped),
        }
    }
}

fn pause_after(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1);
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
        let pauses: Vec<u128> = (1..=9).map(|attempts| pause_after(attempts).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(pause_after(u32::MAX), PAUSE_MAX);
    }
}
