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
use futures::future::BoxFuture;

pub use memory::MemoryBus;

/// How many times a consumer is handed one event before it is buried.
pub const TRIES_MAX: u32 = 8;
/// How many events of one queue are acted on at once.
pub const CONCURRENT_EVENTS_MAX: usize = 64;
/// How many events wait in one queue. Beyond it [`Bus::publish`] is refused, and the outbox keeps the event.
pub const QUEUED_EVENTS_MAX: usize = 10_000;
/// How many events of its kinds a [`Listener`] may be behind before it loses the oldest.
pub const LISTENER_EVENTS_MAX: usize = 1_024;

/// Carries events from the service where they became true to all that act on them.
pub trait Bus: Send + Sync {
    /// Hands an event to the bus. It answers when the bus has taken responsibility: in process when every queue's
    /// consumer has acted on it (or it was buried), at a broker when it is confirmed.
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Makes `consumer` act on what `queue` hears, up to [`CONCURRENT_EVENTS_MAX`] at once, in no order.
    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>);

    /// Hears events of these kinds from now on, in this process only, without acting on them: for streams to screens.
    fn listen(&self, kinds: &'static [EventKind]) -> Listener;

    /// Ends every [`Listener`] that there is, while delivery goes on: a shop that closes lets its screens go first.
    fn end_listeners(&self);

    /// Stops delivering, and waits (bounded) for what is being acted on.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Acts on the events of one queue. Events may come twice and in any order.
pub trait Consumer: Send + Sync {
    /// Acts on one event. It is acknowledged when this answers `Ok`, after the commit.
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>>;

    /// Keeps an event that could not be acted on, where a person finds it and can send it again.
    fn bury(&self, event: Arc<CloudEvent>, error: String, tries: u32) -> BoxFuture<'_, Result<(), ConsumeError>>;
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
    /// It may go well later: a database is busy, a service away.
    #[error("{0}")]
    Later(String),
    /// It never will: the event cannot be read.
    #[error("{0}")]
    Never(String),
}

/// Hears events as they are published in this process.
pub struct Listener {
    kinds: &'static [EventKind],
    events: tokio::sync::broadcast::Receiver<Arc<CloudEvent>>,
}

/// What a [`Listener`] hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// An event.
    Event(Arc<CloudEvent>),
    /// The oldest of those that it had not heard are lost: it was too far behind. Read the state anew.
    Missed,
}

impl Listener {
    /// The next event of this listener's kinds. `None`: the bus is closed, or has ended its listeners.
    pub async fn next(&mut self) -> Option<Heard> {
        use tokio::sync::broadcast::error::RecvError;
        match self.events.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}
