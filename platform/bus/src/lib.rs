//! Events between services: publish and consume.
//!
//! A port, [`Bus`], with one adapter in process ([`MemoryBus`]); RabbitMQ's belongs beside it. Owns delivery: each
//! event reaches every queue that subscribes to its kind at least once, is retried a bounded number of times, and is
//! then dead-lettered; `fnb events` lists dead letters. Does not know what an event means.

#[cfg(test)]
mod conformance;
mod memory;
mod queue_worker;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use contracts::event::{CloudEvent, EventKind, Queue};
use errors::BoxError;
use futures::future::BoxFuture;

pub use memory::MemoryBus;
pub use queue_worker::consume_once;

/// How many times a consumer is given one event before it is dead-lettered.
pub const ATTEMPTS_MAX: u32 = 8;
/// How many events of one queue are consumed at once.
pub const CONCURRENT_EVENTS_MAX: usize = 64;
/// How many events one queue holds. If it is full, [`Bus::publish`] is refused, and the outbox keeps the event.
pub const QUEUED_EVENTS_MAX: usize = 10_000;
/// How many events a [`Subscription`] buffers before it loses the oldest.
pub const SUBSCRIPTION_EVENTS_MAX: usize = 1_024;

/// Carries events from the services that publish them to the queues of the services that consume them.
pub trait Bus: Send + Sync {
    /// Publishes an event. It returns when the bus has taken responsibility for it: in process when every queue has
    /// consumed or dead-lettered it, at a broker when the broker confirmed it.
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Gives the events of `queue` to `consumer`, up to [`CONCURRENT_EVENTS_MAX`] at once, in no order.
    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>);

    /// Subscribes to events of these kinds as they are published in this process, without retries or acknowledgement:
    /// for the streams of screens.
    fn subscribe(&self, kinds: &'static [EventKind]) -> Subscription;

    /// Ends every [`Subscription`], while queues go on: at a shutdown the streams of screens end first.
    fn close_subscriptions(&self);

    /// Stops delivery, and waits for a bounded time for the events that are being consumed.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Consumes the events of one queue. Events may come twice and in any order.
pub trait Consumer: Send + Sync {
    /// Consumes one event. `Ok` acknowledges it, so it must come after the commit.
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>>;

    /// The kinds that its queue subscribes to and that it has no handler for: none, in a complete program.
    fn unhandled(&self) -> Vec<EventKind> {
        Vec::new()
    }

    /// Writes a dead letter: a person can look at it and redrive it. `error` is the last error with its causes.
    fn dead_letter(
        &self,
        event: Arc<CloudEvent>,
        error: String,
        attempts: u32,
    ) -> BoxFuture<'_, Result<(), ConsumeError>>;
}

/// The bus did not accept an event. The outbox keeps it, and the sweeper publishes it again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A queue is full: its consumer is behind.
    #[error(
        "the queue {0} is full because its consumer is behind; the event stays in the outbox and is published later"
    )]
    QueueFull(&'static str),
    /// The bus is shutting down.
    #[error("the bus is closed; the event stays in the outbox and is published at the next start")]
    Closed,
}

/// Why a consumer did not consume an event.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// It may succeed later: another service is unavailable, or another transaction was first. The event is
    /// dead-lettered after [`ATTEMPTS_MAX`] attempts.
    #[error("the event was not consumed")]
    Retry(#[source] BoxError),
    /// The consumer's database is unavailable. The event is retried until the database works again, and is never
    /// dead-lettered because of it.
    #[error("the consumer's database is unavailable")]
    Unavailable(#[source] BoxError),
    /// It can never succeed: the event cannot be read. It is dead-lettered at once.
    #[error("the event can never be consumed")]
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

/// Receives events as they are published in this process.
pub struct Subscription {
    kinds: &'static [EventKind],
    events: tokio::sync::broadcast::Receiver<Arc<CloudEvent>>,
}

/// An item of a [`Subscription`].
#[derive(Clone, Debug)]
pub enum Received {
    /// An event.
    Event(Arc<CloudEvent>),
    /// The subscription fell behind, and its oldest events are lost: read the current state again.
    Lagged,
}

impl Subscription {
    /// The next event of the subscribed kinds. `None`: the bus, or its subscriptions, were closed.
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
