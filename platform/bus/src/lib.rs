//! Events between services: publish and consume.
//!
//! A port, [`Bus`], with one adapter in process ([`MemoryBus`]); RabbitMQ's belongs beside it. Owns delivery: each
//! event reaches every queue that hears its kind at least once, is tried again a bounded number of times, and is
//! then buried where `fnb events` finds it. Refuses to know what an event means.

#[cfg(test)]
mod conformance;
mod delivery;
mod memory;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use contracts::event::{CloudEvent, EventKind, Queue};
use errors::BoxError;
use futures::future::BoxFuture;

pub use memory::MemoryBus;

/// How many times a consumer is handed one event before it is buried.
pub const ATTEMPTS_MAX: u32 = 8;
/// How many events of one queue are acted on at once.
pub const CONCURRENT_EVENTS_MAX: usize = 64;
/// How many events wait in one queue. Beyond it [`Bus::publish`] is refused, and the outbox keeps the event.
pub const QUEUED_EVENTS_MAX: usize = 10_000;
/// How many events of its kinds a [`Subscription`] may be behind before it loses the oldest.
pub const LISTENER_EVENTS_MAX: usize = 1_024;

/// Carries events from the service where they became true to all that act on them.
pub trait Bus: Send + Sync {
    /// Hands an event to the bus. It answers when the bus has taken responsibility: in process when every queue's
    /// consumer has acted on it (or it was buried), at a broker when it is confirmed.
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Makes `consumer` act on what `queue` hears, up to [`CONCURRENT_EVENTS_MAX`] at once, in no order.
    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>);

    /// Hears events of these kinds from now on, in this process only, without acting on them: for streams to screens.
    fn subscribe(&self, kinds: &'static [EventKind]) -> Subscription;

    /// Ends every [`Subscription`] that there is, while delivery goes on: a shop that closes lets its screens go first.
    fn close_subscriptions(&self);

    /// Stops delivering, and waits (bounded) for what is being acted on.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Acts on the events of one queue. Events may come twice and in any order.
pub trait Consumer: Send + Sync {
    /// Acts on one event. It is acknowledged when this answers `Ok`, after the commit.
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>>;

    /// The kinds of events that its queue gets and that it has no handler for: none, in a complete program.
    fn unhandled(&self) -> Vec<EventKind> {
        Vec::new()
    }

    /// Keeps an event that could not be acted on, where a person finds it and can send it again.
    fn dead_letter(
        &self,
        event: Arc<CloudEvent>,
        error: String,
        attempts: u32,
    ) -> BoxFuture<'_, Result<(), ConsumeError>>;
}

/// The bus did not take an event; the outbox keeps it and the sweeper sends it again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A queue is full: its consumer is behind.
    #[error("the queue {0} is full: its consumer is behind; the event stays in the outbox and is sent again")]
    QueueFull(&'static str),
    /// The bus is shutting down.
    #[error("the bus is closed; the event stays in the outbox and is sent at the next start")]
    Closed,
}

/// Why a consumer did not act on an event.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// It may succeed later: another service is unavailable, or another transaction was first. Tried again
    /// [`ATTEMPTS_MAX`] times.
    #[error("the event was not acted on")]
    Retry(#[source] BoxError),
    /// The consumer's database cannot be used. The event waits until it can: it never becomes a dead letter by this.
    #[error("the event waits for the consumer's database")]
    Unavailable(#[source] BoxError),
    /// It never will: the event cannot be read.
    #[error("the event can never be acted on")]
    Permanent(#[source] BoxError),
}

impl ConsumeError {
    /// [`ConsumeError::Retry`] because of `cause`.
    pub fn retry(cause: impl Into<BoxError>) -> Self {
        Self::Retry(cause.into())
    }

    /// [`ConsumeError::Unavailable`] because of `cause`.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// [`ConsumeError::Permanent`] because of `cause`.
    pub fn permanent(cause: impl Into<BoxError>) -> Self {
        Self::Permanent(cause.into())
    }
}

/// Hears events as they are published in this process.
pub struct Subscription {
    kinds: &'static [EventKind],
    events: tokio::sync::broadcast::Receiver<Arc<CloudEvent>>,
}

/// What a [`Subscription`] hears.
#[derive(Clone, Debug)]
pub enum Received {
    /// An event.
    Event(Arc<CloudEvent>),
    /// The oldest of those that it had not heard are lost: it was too far behind. Read the state anew.
    Lagged,
}

impl Subscription {
    /// The next event of this listener's kinds. `None`: the bus is closed, or has ended its listeners.
    pub async fn next(&mut self) -> Option<Received> {
        use tokio::sync::broadcast::error::RecvError;
        match self.events.recv().await {
            Ok(event) => Some(Received::Event(event)),
            Err(RecvError::Lagged(_)) => Some(Received::Lagged),
            Err(RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}
