//! The bus of one process.
//!
//! It stores nothing: an event that is not confirmed is still in its outbox. To publish an event is to deliver it.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use contracts::event::{CloudEvent, EventKind, Queue};
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use crate::{
    Bus, Consumer, PublishError, QUEUED_EVENTS_MAX, SUBSCRIPTION_EVENTS_MAX, Subscription,
    queue_worker::{QueueWorker, Stopped},
};

/// How long [`Bus::close`] waits for events that are being consumed.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Carries events within this process.
pub struct MemoryBus {
    /// `None` once closed.
    routes: RwLock<Option<Routes>>,
}

/// The queues and the subscriptions.
#[derive(Default)]
struct Routes {
    queues: Vec<Arc<MemoryQueue>>,
    subscriber_groups: Vec<SubscriberGroup>,
}

/// The subscriptions to one list of kinds. They share a buffer, so that events of other kinds never make them fall
/// behind. There are as many groups as lists of kinds in the program.
struct SubscriberGroup {
    kinds: &'static [EventKind],
    events: broadcast::Sender<Arc<CloudEvent>>,
}

/// One queue: its worker, and a permit for each event that waits or is being consumed.
struct MemoryQueue {
    worker: QueueWorker,
    permits: Arc<Semaphore>,
}

/// An event's permit to be in a queue.
type QueuePermit = (Arc<MemoryQueue>, OwnedSemaphorePermit);

impl MemoryBus {
    /// A bus without consumers.
    #[must_use]
    pub fn new() -> Self {
        Self { routes: RwLock::new(Some(Routes::default())) }
    }

    /// A permit in every queue that subscribes to the event, or in none. With the permits, subscriptions receive it.
    fn route(&self, event: &Arc<CloudEvent>) -> Result<Vec<QueuePermit>, PublishError> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let routes = routes.as_ref().ok_or(PublishError::Closed)?;
        let subscribed =
            routes.queues.iter().filter(|queue| queue.worker.queue().subscriptions().contains(&event.kind));
        let permits = subscribed.map(MemoryQueue::permit).collect::<Result<Vec<_>, _>>()?;
        for group in routes.subscriber_groups.iter().filter(|group| group.kinds.contains(&event.kind)) {
            let _no_subscription_is_no_error = group.events.send(Arc::clone(event));
        }
        Ok(permits)
    }

    /// Refuses further events. Returns the queues that there were.
    fn take_queues(&self) -> Vec<Arc<MemoryQueue>> {
        let routes = self.routes.write().unwrap_or_else(PoisonError::into_inner).take();
        routes.map(|routes| routes.queues).unwrap_or_default()
    }
}

impl Routes {
    fn subscriber_group(&mut self, kinds: &'static [EventKind]) -> &broadcast::Sender<Arc<CloudEvent>> {
        let known = self.subscriber_groups.iter().position(|group| group.kinds == kinds);
        let index = known.unwrap_or_else(|| {
            self.subscriber_groups
                .push(SubscriberGroup { kinds, events: broadcast::channel(SUBSCRIPTION_EVENTS_MAX).0 });
            self.subscriber_groups.len() - 1
        });
        &self.subscriber_groups[index].events
    }
}

impl MemoryQueue {
    fn new(queue: Queue, consumer: Arc<dyn Consumer>) -> Self {
        Self { worker: QueueWorker::new(queue, consumer), permits: Arc::new(Semaphore::new(QUEUED_EVENTS_MAX)) }
    }

    fn permit(self: &Arc<Self>) -> Result<QueuePermit, PublishError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_full| PublishError::QueueFull(self.worker.queue().name()))?;
        Ok((Arc::clone(self), permit))
    }

    /// Returns when no event is in the queue.
    async fn wait_until_empty(&self) {
        let all = u32::try_from(QUEUED_EVENTS_MAX).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _permits = self.permits.acquire_many(all).await;
    }
}

impl Bus for MemoryBus {
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>> {
        async move {
            let permits = self.route(&event)?;
            if permits.is_empty() {
                return Ok(());
            }
            // A task of its own: delivery goes on if the publisher is dropped.
            let delivery = tokio::spawn(async move { deliver(permits, &event).await });
            delivery.await.unwrap_or(Err(Stopped)).map_err(|Stopped| PublishError::Closed)
        }
        .boxed()
    }

    /// A second consumer of a queue replaces the first, which finishes the events that it has.
    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(routes) = routes.as_mut() {
            routes.queues.retain(|other| other.worker.queue() != queue);
            routes.queues.push(Arc::new(MemoryQueue::new(queue, consumer)));
        }
    }

    fn subscribe(&self, kinds: &'static [EventKind]) -> Subscription {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let events = match routes.as_mut() {
            Some(routes) => routes.subscriber_group(kinds).subscribe(),
            None => broadcast::channel(1).1, // Its sender is dropped at once, so the subscription is closed.
        };
        Subscription { kinds, events }
    }

    fn close_subscriptions(&self) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(routes) = routes.as_mut() {
            // A subscription ends when its sender is dropped.
            routes.subscriber_groups.clear();
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            let queues = self.take_queues();
            queues.iter().for_each(|queue| queue.worker.stop());
            let all_empty = join_all(queues.iter().map(|queue| queue.wait_until_empty()));
            if tokio::time::timeout(CLOSE_WAIT_MAX, all_empty).await.is_err() {
                tracing::warn!("the bus closed while consumers were still busy; their events are delivered again");
            }
        }
        .boxed()
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}
impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBus").finish_non_exhaustive()
    }
}

/// Has every queue process the event. A queue that is stopped does not cut off another one.
async fn deliver(permits: Vec<QueuePermit>, event: &Arc<CloudEvent>) -> Result<(), Stopped> {
    let processed = permits.into_iter().map(|(queue, permit)| async move {
        let processed = queue.worker.process(event).await;
        drop(permit);
        processed
    });
    join_all(processed).await.into_iter().collect()
}
