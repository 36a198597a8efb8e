//! A bus that records every event.

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

/// A [`MemoryBus`] that records each event once, in the order of publication. After a close it is open again: a test can
/// stop and start its services.
#[derive(Debug, Default)]
pub(crate) struct RecordingBus {
    inner: Mutex<Arc<MemoryBus>>,
    published: Mutex<Published>,
}

#[derive(Debug, Default)]
struct Published {
    ids: HashSet<EventId>,
    events: Vec<Arc<CloudEvent>>,
}

impl RecordingBus {
    /// Every event that was published so far.
    pub(crate) fn published(&self) -> Vec<Arc<CloudEvent>> {
        self.published.lock().expect("no panic while it was locked").events.clone()
    }

    fn inner(&self) -> Arc<MemoryBus> {
        Arc::clone(&self.inner.lock().expect("no panic while it was locked"))
    }

    fn record(&self, event: &Arc<CloudEvent>) {
        let mut published = self.published.lock().expect("no panic while it was locked");
        if published.ids.insert(event.id) {
            published.events.push(Arc::clone(event));
        }
    }
}

impl Bus for RecordingBus {
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>> {
        async move {
            self.record(&event);
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
        let closing = std::mem::take(&mut *self.inner.lock().expect("no panic while it was locked"));
        async move { closing.close().await }.boxed()
    }
}
