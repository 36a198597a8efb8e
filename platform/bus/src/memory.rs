//! The bus of one process.
//!
//! Nothing is stored here: an event that was not confirmed is still in its outbox. Publishing is delivering.

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
    Bus, Consumer, LISTENER_EVENTS_MAX, PublishError, QUEUED_EVENTS_MAX, Subscription,
    delivery::{Delivery, Stopped},
};

/// How long [`Bus::close`] waits for what consumers have in hand.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Carries events within this process.
pub struct MemoryBus {
    /// `None` once closed.
    open: RwLock<Option<Open>>,
}

#[derive(Default)]
struct Open {
    lanes: Vec<Arc<Lane>>,
    audiences: Vec<Audience>,
}

/// Listeners of the same kinds. Each kind of listener has its own, so that none falls behind because of what it does not
/// hear; there are as many as lists of kinds in the program.
struct Audience {
    kinds: &'static [EventKind],
    events: broadcast::Sender<Arc<CloudEvent>>,
}

/// One queue: the way to its consumer, and a place for each event that waits or is acted on.
struct Lane {
    delivery: Delivery,
    places: Arc<Semaphore>,
}

/// An event's place in a queue.
type Place = (Arc<Lane>, OwnedSemaphorePermit);

impl MemoryBus {
    /// A bus without consumers.
    #[must_use]
    pub fn new() -> Self {
        Self { open: RwLock::new(Some(Open::default())) }
    }

    /// A place in every queue that hears the event, or in none; listeners hear it once it has them.
    fn admit(&self, event: &Arc<CloudEvent>) -> Result<Vec<Place>, PublishError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or(PublishError::Closed)?;
        let hearing = open.lanes.iter().filter(|lane| lane.delivery.queue().subscriptions().contains(&event.kind));
        let places = hearing.map(Lane::place).collect::<Result<Vec<_>, _>>()?;
        for audience in open.audiences.iter().filter(|audience| audience.kinds.contains(&event.kind)) {
            // No listener is no error.
            let _ = audience.events.send(Arc::clone(event));
        }
        Ok(places)
    }

    /// Lets nothing in any more, and answers the queues that there were.
    fn shut(&self) -> Vec<Arc<Lane>> {
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        open.map(|open| open.lanes).unwrap_or_default()
    }
}

impl Open {
    fn audience(&mut self, kinds: &'static [EventKind]) -> &broadcast::Sender<Arc<CloudEvent>> {
        let at = self.audiences.iter().position(|audience| audience.kinds == kinds).unwrap_or_else(|| {
            self.audiences.push(Audience { kinds, events: broadcast::channel(LISTENER_EVENTS_MAX).0 });
            self.audiences.len() - 1
        });
        &self.audiences[at].events
    }
}

impl Lane {
    fn new(queue: Queue, consumer: Arc<dyn Consumer>) -> Self {
        Self { delivery: Delivery::new(queue, consumer), places: Arc::new(Semaphore::new(QUEUED_EVENTS_MAX)) }
    }

    fn place(self: &Arc<Self>) -> Result<Place, PublishError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| PublishError::QueueFull(self.delivery.queue().name()))?;
        Ok((Arc::clone(self), place))
    }

    /// Until no event has a place here.
    async fn emptied(&self) {
        let all = u32::try_from(QUEUED_EVENTS_MAX).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }
}

impl Bus for MemoryBus {
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>> {
        async move {
            let places = self.admit(&event)?;
            if places.is_empty() {
                return Ok(());
            }
            // A task of its own: it goes on though the publisher waits no longer.
            let delivered = tokio::spawn(async move { deliver(places, &event).await });
            delivered.await.unwrap_or(Err(Stopped)).map_err(|Stopped| PublishError::Closed)
        }
        .boxed()
    }

    /// A second consumer of a queue takes over from the first, which sees through what it has in hand.
    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open.as_mut() {
            open.lanes.retain(|lane| lane.delivery.queue() != queue);
            open.lanes.push(Arc::new(Lane::new(queue, consumer)));
        }
    }

    fn subscribe(&self, kinds: &'static [EventKind]) -> Subscription {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let events = match open.as_mut() {
            Some(open) => open.audience(kinds).subscribe(),
            None => broadcast::channel(1).1, // Its sender is gone already: the listener hears the end.
        };
        Subscription { kinds, events }
    }

    fn close_subscriptions(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open.as_mut() {
            // Those of a sender that goes hear the end.
            open.audiences.clear();
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            let lanes = self.shut();
            lanes.iter().for_each(|lane| lane.delivery.stop());
            let emptied = join_all(lanes.iter().map(|lane| lane.emptied()));
            if tokio::time::timeout(CLOSE_WAIT_MAX, emptied).await.is_err() {
                tracing::warn!("the bus closes while consumers are still at work; their events are delivered again");
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

/// Has every queue see the event through; one that stops does not cut off another at work.
async fn deliver(places: Vec<Place>, event: &Arc<CloudEvent>) -> Result<(), Stopped> {
    let seen_through = places.into_iter().map(|(lane, place)| async move {
        let done = lane.delivery.see_through(event).await;
        drop(place);
        done
    });
    join_all(seen_through).await.into_iter().collect()
}
