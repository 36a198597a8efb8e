//! A bus that remembers all it was given.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use bus::{Bus, Consumer, MemoryBus, PublishError, Subscription};
use contracts::{
    event::{CloudEvent, EventKind, Queue},
    ids::EventId,
};
use futures::{FutureExt, future::BoxFuture};

/// [`MemoryBus`], and every event once, in the order in which they came. Closing it makes room for the next morning's.
#[derive(Debug, Default)]
pub(crate) struct RecordingBus {
    inner: Mutex<Arc<MemoryBus>>,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    ids: HashSet<EventId>,
    events: Vec<Arc<CloudEvent>>,
}

impl RecordingBus {
    /// Every event that was published so far.
    pub(crate) fn said(&self) -> Vec<Arc<CloudEvent>> {
        self.said.lock().expect("no test panicked while it held this").events.clone()
    }

    fn inner(&self) -> Arc<MemoryBus> {
        Arc::clone(&self.inner.lock().expect("no test panicked while it held this"))
    }

    fn remember(&self, event: &Arc<CloudEvent>) {
        let mut said = self.said.lock().expect("no test panicked while it held this");
        if said.ids.insert(event.id) {
            said.events.push(Arc::clone(event));
        }
    }
}

impl Bus for RecordingBus {
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>> {
        async move {
            self.remember(&event);
            self.inner().publish(event).await
        }
        .boxed()
    }

    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>) {
        self.inner().consume(queue, consumer);
    }

    fn subscribe(&self, kinds: &'static [EventKind]) -> Subscription {
        self.inner().subscribe(kinds)
    }

    fn close_subscriptions(&self) {
        self.inner().close_subscriptions();
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let closing = std::mem::take(&mut *self.inner.lock().expect("no test panicked while it held this"));
        async move { closing.close().await }.boxed()
    }
}
