//! What becomes of an event in a queue, the same for every adapter: a slot, the consumer, again after a pause, the
//! grave.
//!
//! A grave is dug in the consumer's own database. Where that fails, the database is what ails, more likely than the
//! event: so the event is acted on once more after each burial that failed, and an outage of any length buries nothing
//! that can be acted on after it.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use contracts::event::{CloudEvent, Queue};
use futures::FutureExt;
use tokio::sync::{Semaphore, watch};

use crate::{CONCURRENT_EVENTS_MAX, ConsumeError, Consumer, TRIES_MAX};

/// The pause after the first try; each further one is twice as long. What is busy for a moment is tried soon.
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

/// The delivery was stopped before the event was acted on or buried: it must not be acknowledged.
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

    /// Has one event acted on, again after pauses if need be, or buried. Then it may be acknowledged.
    pub(crate) async fn see_through(&self, event: &Arc<CloudEvent>) -> Result<(), Stopped> {
        let mut tries = 0;
        let error = loop {
            tries += 1;
            match self.act(event).await? {
                Ok(()) => return Ok(()),
                Err(ConsumeError::Never(error)) => break error,
                Err(ConsumeError::Later(error)) if tries >= TRIES_MAX => break error,
                Err(ConsumeError::Later(error)) => {
                    tracing::debug!(queue = self.queue.name(), event = %event.id, tries, error, "event tried in vain");
                    self.pause(tries).await?;
                }
            }
        };
        self.bury(event, error, tries).await
    }

    /// Ends every wait for a slot or a pause; what the consumer has in hand goes on.
    pub(crate) fn stop(&self) {
        self.slots.close();
        self.stopped.send_replace(true);
    }

    /// One try, in a slot of its own: an event in its pause takes no other's place.
    async fn act(&self, event: &Arc<CloudEvent>) -> Result<Result<(), ConsumeError>, Stopped> {
        let _slot = self.slots.acquire().await.map_err(|_| Stopped)?;
        let act = async { self.consumer.consume(Arc::clone(event)).await };
        Ok(AssertUnwindSafe(act).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic))))
    }

    /// Buries an event, and does not give up: an event that is neither acted on nor buried would be lost. After each
    /// burial that fails it is acted on once more.
    async fn bury(&self, event: &Arc<CloudEvent>, mut error: String, mut tries: u32) -> Result<(), Stopped> {
        let (queue, kind) = (self.queue.name(), event.kind.name());
        let mut burials: u32 = 0;
        loop {
            burials = burials.saturating_add(1);
            let Err(why) = self.try_to_bury(event, &error, tries).await? else { break };
            if burials == 1 {
                tracing::warn!(queue, event = %event.id, %why, "event could not be buried; acting on it again until it can");
            } else {
                tracing::debug!(queue, event = %event.id, burials, %why, "event could not be buried");
            }
            self.pause(burials).await?;
            tries = tries.saturating_add(1);
            match self.act(event).await? {
                Ok(()) => return Ok(()),
                Err(ConsumeError::Never(again) | ConsumeError::Later(again)) => error = again,
            }
        }
        metrics::counter!("dead_letters_total", "queue" => queue).increment(1);
        tracing::error!(queue, kind, event = %event.id, tries, error, "event buried: it could not be acted on");
        Ok(())
    }

    async fn try_to_bury(
        &self,
        event: &Arc<CloudEvent>,
        error: &str,
        tries: u32,
    ) -> Result<Result<(), ConsumeError>, Stopped> {
        let _slot = self.slots.acquire().await.map_err(|_| Stopped)?;
        let bury = async { self.consumer.bury(Arc::clone(event), error.to_owned(), tries).await };
        Ok(AssertUnwindSafe(bury).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic))))
    }

    async fn pause(&self, tries: u32) -> Result<(), Stopped> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            () = tokio::time::sleep(pause_after(tries)) => Ok(()),
            _ = stopped.wait_for(|stopped| *stopped) => Err(Stopped),
        }
    }
}

fn pause_after(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1);
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_MAX)
}

fn panicked(panic: &(dyn Any + Send)) -> ConsumeError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ConsumeError::Later(format!("the consumer panicked: {}", text.unwrap_or("without a word")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let pauses: Vec<u128> = (1..=9).map(|tries| pause_after(tries).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(pause_after(u32::MAX), PAUSE_MAX);
    }
}
