//! What every adapter of the bus promises. Each adapter's tests call each of these with a bus of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use contracts::{
    event::{CloudEvent, EventData, EventKind, OrderCompleted, OrderExpired, PaymentCompleted, Queue},
    ids::{EventId, OrderId, PaymentId},
    money::{Amount, Currency},
    payment::PaymentMethod,
    time::Timestamp,
};
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::sync::{Semaphore, mpsc};

use crate::{
    ATTEMPTS_MAX, Bus, CONCURRENT_EVENTS_MAX, ConsumeError, Consumer, LISTENER_EVENTS_MAX, PublishError, Received,
};

/// How long an adapter may take for anything: more than all pauses between attempts.
const WAIT_MAX: Duration = Duration::from_secs(30);
const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

/// What happened to an event at a consumer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Tried(Queue, EventId),
    Buried { event: EventId, error: String, attempts: u32 },
}

type Act = dyn Fn(usize) -> BoxFuture<'static, Result<(), ConsumeError>> + Send + Sync;

/// Acts by a script, and tells what it saw.
pub(crate) struct Scripted {
    queue: Queue,
    act: Box<Act>,
    bury: Box<Act>,
    attempts: AtomicUsize,
    burials: AtomicUsize,
    seen: mpsc::UnboundedSender<Seen>,
}

impl Scripted {
    /// `act` is told how many attempts there were before.
    pub(crate) fn new<F, Fut>(queue: Queue, act: F) -> (Self, mpsc::UnboundedReceiver<Seen>)
    where
        F: Fn(usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
    {
        let (seen, heard) = mpsc::unbounded_channel();
        let (act, bury): (Box<Act>, Box<Act>) =
            (Box::new(move |n| act(n).boxed()), Box::new(|_| async { Ok(()) }.boxed()));
        (Self { queue, act, bury, attempts: AtomicUsize::new(0), burials: AtomicUsize::new(0), seen }, heard)
    }

    /// The first burials fail.
    pub(crate) fn burying_after(mut self, failures: usize) -> Self {
        self.bury = Box::new(move |before| {
            let buried = if before < failures { Err(ConsumeError::Retry("the disk is full".into())) } else { Ok(()) };
            async { buried }.boxed()
        });
        self
    }
}

impl Consumer for Scripted {
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>> {
        let _ = self.seen.send(Seen::Tried(self.queue, event.id));
        (self.act)(self.attempts.fetch_add(1, Ordering::SeqCst))
    }

    fn dead_letter(
        &self,
        event: Arc<CloudEvent>,
        error: String,
        attempts: u32,
    ) -> BoxFuture<'_, Result<(), ConsumeError>> {
        async move {
            (self.bury)(self.burials.fetch_add(1, Ordering::SeqCst)).await?;
            let _ = self.seen.send(Seen::Buried { event: event.id, error, attempts });
            Ok(())
        }
        .boxed()
    }
}

pub(crate) fn event(data: &impl EventData) -> Arc<CloudEvent> {
    Arc::new(CloudEvent::new(data, NOW).unwrap())
}

pub(crate) fn order_expired() -> Arc<CloudEvent> {
    event(&OrderExpired { order_id: OrderId::new(NOW), order_version: 2, cups: 0 })
}

pub(crate) fn order_completed() -> Arc<CloudEvent> {
    event(&OrderCompleted { order_id: OrderId::new(NOW), order_version: 4, cups: 0 })
}

fn payment_completed() -> Arc<CloudEvent> {
    event(&PaymentCompleted {
        order_id: OrderId::new(NOW),
        cups: 0,
        payment_id: PaymentId::new(NOW),
        method: PaymentMethod::Cash,
        amount: Amount::whole(25_000),
        currency: Currency::IDR,
        paid_at: NOW,
        is_test: false,
    })
}

pub(crate) async fn next(seen: &mut mpsc::UnboundedReceiver<Seen>) -> Seen {
    tokio::time::timeout(WAIT_MAX, seen.recv()).await.expect("the bus delivers").expect("the consumer is there")
}

pub(crate) fn later() -> ConsumeError {
    ConsumeError::Retry("the database is busy".into())
}

/// Each event reaches every queue that hears its kind, once if all goes well, and no other queue.
pub(crate) async fn each_queue_gets_what_it_hears_and_nothing_else(bus: &dyn Bus) {
    let mut queues = Vec::new();
    for queue in [Queue::Order, Queue::Payment, Queue::Inventory] {
        let (consumer, seen) = Scripted::new(queue, |_| async { Ok(()) });
        bus.consume(queue, Arc::new(consumer));
        queues.push((queue, seen));
    }
    let events = [order_expired(), order_completed(), payment_completed()];
    for event in &events {
        bus.publish(Arc::clone(event)).await.unwrap();
    }
    for (queue, mut seen) in queues {
        let heard: Vec<_> = events.iter().filter(|event| queue.subscriptions().contains(&event.kind)).collect();
        let mut ids = Vec::new();
        for _ in &heard {
            let Seen::Tried(_, id) = next(&mut seen).await else { panic!("{queue:?} buried an event") };
            ids.push(id);
        }
        ids.sort();
        assert_eq!(ids, heard.iter().map(|event| event.id).collect::<Vec<_>>(), "{queue:?}");
        assert!(seen.try_recv().is_err(), "{queue:?} got more than it hears");
    }
}

/// What fails is tried again; when it goes well, that is the end of it.
pub(crate) async fn an_event_that_fails_is_tried_again(bus: &dyn Bus) {
    let (consumer, mut seen) =
        Scripted::new(Queue::Payment, |attempts| async move { if attempts < 2 { Err(later()) } else { Ok(()) } });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
    }
    bus.close().await;
    assert!(seen.try_recv().is_err(), "it was delivered again though it was acted on");
}

/// What fails each time is tried a bounded number of times, and buried.
pub(crate) async fn an_event_that_keeps_failing_is_buried(bus: &dyn Bus) {
    let (consumer, mut seen) = Scripted::new(Queue::Payment, |_| async { Err(later()) });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..ATTEMPTS_MAX {
        assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
    }
    let error = later().to_string();
    assert_eq!(next(&mut seen).await, Seen::Buried { event: event.id, error, attempts: ATTEMPTS_MAX });
}

/// What cannot be read is not tried again.
pub(crate) async fn an_event_that_can_never_be_acted_on_is_buried_at_once(bus: &dyn Bus) {
    let never = |_| async { Err(ConsumeError::Permanent("its data cannot be read".into())) };
    let (consumer, mut seen) = Scripted::new(Queue::Payment, never);
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
    let error = "its data cannot be read".to_owned();
    assert_eq!(next(&mut seen).await, Seen::Buried { event: event.id, error, attempts: 1 });
}

/// An event is not given up because the grave cannot be dug yet.
pub(crate) async fn a_burial_that_fails_is_tried_until_it_works(bus: &dyn Bus) {
    let never = |_| async { Err(ConsumeError::Permanent("its data cannot be read".into())) };
    let (consumer, mut seen) = Scripted::new(Queue::Payment, never);
    bus.consume(Queue::Payment, Arc::new(consumer.burying_after(3)));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..4 {
        assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
    }
    let error = "its data cannot be read".to_owned();
    assert_eq!(next(&mut seen).await, Seen::Buried { event: event.id, error, attempts: 4 });
}

/// However long a database is away, which neither acts nor buries: what can be acted on after it is no dead letter.
pub(crate) async fn an_outage_longer_than_all_tries_buries_nothing(bus: &dyn Bus) {
    const TRIES_IN_VAIN: usize = ATTEMPTS_MAX as usize + 2;
    let (consumer, mut seen) = Scripted::new(Queue::Payment, |attempts| async move {
        if attempts < TRIES_IN_VAIN { Err(later()) } else { Ok(()) }
    });
    bus.consume(Queue::Payment, Arc::new(consumer.burying_after(3)));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..=TRIES_IN_VAIN {
        assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
    }
    bus.close().await;
    assert!(seen.try_recv().is_err(), "it was buried though it was acted on");
}

/// A panic is a failure like any other: the event is tried again, and the queue goes on.
pub(crate) async fn a_consumer_that_panics_is_asked_again(bus: &dyn Bus) {
    let (consumer, mut seen) = Scripted::new(Queue::Payment, |attempts| async move {
        assert!(attempts > 0, "the first try always panics");
        Ok(())
    });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
    }
}

/// A queue never has more than so many events acted on at once, however many wait.
pub(crate) async fn a_queue_acts_on_a_bounded_number_at_once(bus: &dyn Bus) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let (consumer, mut seen) = Scripted::new(Queue::Payment, move |_| {
        let gate = Arc::clone(&held);
        async move {
            gate.acquire().await.expect("the gate stays").forget();
            Ok(())
        }
    });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let events: Vec<_> = (0..CONCURRENT_EVENTS_MAX + 1).map(|_| order_expired()).collect();
    let publish = join_all(events.iter().map(|event| bus.publish(Arc::clone(event))));
    let watch = async {
        for _ in 0..CONCURRENT_EVENTS_MAX {
            next(&mut seen).await;
        }
        let one_more = tokio::time::timeout(Duration::from_millis(100), seen.recv()).await;
        assert!(one_more.is_err(), "more were acted on at once");
        gate.add_permits(events.len());
        next(&mut seen).await;
    };
    let (published, ()) = tokio::join!(publish, watch);
    assert!(published.iter().all(Result::is_ok));
}

/// A listener hears the kinds that it asked for, whether or not a queue has a consumer.
pub(crate) async fn a_listener_hears_its_kinds_alone(bus: &dyn Bus) {
    let mut listener = bus.subscribe(&[EventKind::OrderCompleted]);
    let wanted = order_completed();
    bus.publish(order_expired()).await.unwrap();
    bus.publish(Arc::clone(&wanted)).await.unwrap();
    let heard = tokio::time::timeout(WAIT_MAX, listener.next()).await.expect("the listener hears");
    let Some(Received::Event(event)) = heard else { panic!("{heard:?}") };
    assert_eq!(event.id, wanted.id);
}

/// However many events of other kinds come, a listener falls behind by those of its own alone.
pub(crate) async fn a_listener_misses_nothing_because_of_other_kinds(bus: &dyn Bus) {
    let mut listener = bus.subscribe(&[EventKind::OrderCompleted]);
    let _another = bus.subscribe(&EventKind::ALL);
    let wanted = order_completed();
    bus.publish(Arc::clone(&wanted)).await.unwrap();
    for _ in 0..=LISTENER_EVENTS_MAX {
        bus.publish(order_expired()).await.unwrap();
    }
    let heard = tokio::time::timeout(WAIT_MAX, listener.next()).await.expect("the listener hears");
    let Some(Received::Event(event)) = heard else { panic!("{heard:?}") };
    assert_eq!(event.id, wanted.id);
}

/// Screens can be let go while what is under way is still delivered.
pub(crate) async fn listeners_can_be_ended_before_the_bus(bus: &dyn Bus) {
    let (consumer, mut seen) = Scripted::new(Queue::Payment, |_| async { Ok(()) });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let mut listener = bus.subscribe(&EventKind::ALL);
    bus.close_subscriptions();
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    assert!(listener.next().await.is_none());
    assert_eq!(next(&mut seen).await, Seen::Tried(Queue::Payment, event.id));
}

/// After its close the bus refuses events, and listeners hear the end.
pub(crate) async fn a_closed_bus_takes_nothing(bus: &dyn Bus) {
    let mut listener = bus.subscribe(&EventKind::ALL);
    bus.close().await;
    assert!(matches!(bus.publish(order_expired()).await, Err(PublishError::Closed)));
    assert!(listener.next().await.is_none());
    assert!(bus.subscribe(&EventKind::ALL).next().await.is_none());
}
