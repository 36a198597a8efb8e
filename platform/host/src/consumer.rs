//! A service's consumer: a handler for each kind of event that its queue gets.

use std::{collections::HashMap, error::Error, fmt, sync::Arc};

use bus::{ConsumeError, Consumer};
use clock::Clock;
use contracts::event::{CloudEvent, EventData, EventKind, Queue};
use db::{Db, DbError, dead_letters, inbox::Delivery};
use futures::{FutureExt, future::BoxFuture};

/// An event whose data was read as a `D`.
#[derive(Clone, Debug)]
pub struct Event<D> {
    /// What happened.
    pub data: D,
    delivery: Delivery,
}

impl<D> Event<D> {
    /// The event and its consumer, for [`db::inbox::once`]: an event that is delivered twice has its effect once.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
}

type Handler = Box<dyn Fn(Arc<CloudEvent>) -> BoxFuture<'static, Result<(), ConsumeError>> + Send + Sync>;

/// Consumes the events of one queue, and writes dead letters to the service's own database.
pub struct EventConsumer<S> {
    name: &'static str,
    queue: Queue,
    db: Db,
    state: S,
    handlers: HashMap<EventKind, Handler>,
    on_every: Option<Handler>,
}

impl<S: Clone + Send + Sync + 'static> EventConsumer<S> {
    /// The consumer `name` of `queue`. Every handler gets a clone of `state`.
    #[must_use]
    pub fn new(name: &'static str, queue: Queue, db: &Db, state: S) -> Self {
        Self { name, queue, db: db.clone(), state, handlers: HashMap::new(), on_every: None }
    }

    /// Handles events whose data is a `D`.
    #[must_use]
    pub fn on<D, F, Fut>(mut self, handler: F) -> Self
    where
        D: EventData + Send + 'static,
        F: Fn(S, Event<D>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
    {
        let (state, consumer) = (self.state.clone(), self.name);
        let handle = move |event: Arc<CloudEvent>| {
            let delivery = Delivery { consumer, event_id: event.id };
            match event.data::<D>() {
                Ok(data) => handler(state.clone(), Event { data, delivery }).boxed(),
                Err(error) => futures::future::ready(Err(ConsumeError::permanent(error))).boxed(),
            }
        };
        self.handlers.insert(D::KIND, Box::new(handle));
        self
    }

    /// Handles events of every kind that has no handler of its own.
    #[must_use]
    pub fn on_every<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(S, Arc<CloudEvent>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
    {
        let state = self.state.clone();
        self.on_every = Some(Box::new(move |event| handler(state.clone(), event).boxed()));
        self
    }

    /// The queue and its consumer, as a [`Service`](crate::Service) needs them.
    #[must_use]
    pub fn build(self) -> (Queue, Arc<dyn Consumer>) {
        (self.queue, Arc::new(self))
    }
}

/// The error of a handler whose command failed. While the database is unavailable the event is retried without a bound;
/// after any other failure it is retried a bounded number of times. The causes of `error` decide.
pub fn retry(error: impl Error + Send + Sync + 'static) -> ConsumeError {
    if is_outage(&error) { ConsumeError::unavailable(error) } else { ConsumeError::retry(error) }
}

fn is_outage(error: &(dyn Error + 'static)) -> bool {
    errors::causes(error).any(|cause| cause.downcast_ref::<DbError>().is_some_and(DbError::is_outage))
}

impl<S: Send + Sync> Consumer for EventConsumer<S> {
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>> {
        match self.handlers.get(&event.kind).or(self.on_every.as_ref()) {
            Some(handle) => handle(event),
            None => {
                let error = UnhandledKind { consumer: self.name, kind: event.kind };
                futures::future::ready(Err(ConsumeError::permanent(error))).boxed()
            }
        }
    }

    fn unhandled(&self) -> Vec<EventKind> {
        if self.on_every.is_some() {
            return Vec::new();
        }
        let subscriptions = self.queue.subscriptions().iter().copied();
        subscriptions.filter(|kind| !self.handlers.contains_key(kind)).collect()
    }

    fn dead_letter(
        &self,
        event: Arc<CloudEvent>,
        error: String,
        attempts: u32,
    ) -> BoxFuture<'_, Result<(), ConsumeError>> {
        let name = self.name;
        // A person compares this time with their own clock.
        let now = Clock::system().now();
        let insert = move |tx: &mut db::Tx<'_>| dead_letters::insert(tx, name, &event, &error, attempts, now);
        async move { self.db.write::<(), DbError, _>(insert).await.map_err(retry) }.boxed()
    }
}

impl<S> fmt::Debug for EventConsumer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventConsumer").field("name", &self.name).field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{consumer} has no handler for {}", .kind.name())]
struct UnhandledKind {
    consumer: &'static str,
    kind: EventKind,
}
