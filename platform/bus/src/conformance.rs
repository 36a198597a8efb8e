//! The contract of every adapter of the bus. Each adapter's tests call each of these functions with a bus of their own.

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
use trace::TraceContext;

use crate::{
    ATTEMPTS_MAX, Bus, CONCURRENT_EVENTS_MAX, ConsumeError, Consumer, PublishError, Received, SUBSCRIPTION_EVENTS_MAX,
    Subscription,
};

/// How long an adapter may take for anything: longer than each pause between attempts.
const WAIT_MAX: Duration = Duration::from_secs(30);
const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

/// What a consumer was called for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Consume(Queue, EventId),
    DeadLetter { event: EventId, error: String, attempts: u32 },
}

type Script = dyn Fn(usize) -> BoxFuture<'static, Result<(), ConsumeError>> + Send + Sync;

/// A consumer that follows a script, and records how it was called.
pub(crate) struct ScriptedConsumer {
    queue: Queue,
    consume: Box<Script>,
    dead_letter: Box<Script>,
    attempts: AtomicUsize,
    dead_letter_attempts: AtomicUsize,
    calls: mpsc::UnboundedSender<Call>,
}

impl ScriptedConsumer {
    /// `consume` gets the number of earlier attempts.
    pub(crate) fn new<F, Fut>(queue: Queue, consume: F) -> (Self, mpsc::UnboundedReceiver<Call>)
    where
        F: Fn(usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
    {
        let (calls, recorded) = mpsc::unbounded_channel();
        let consumer = Self {
            queue,
            consume: Box::new(move |attempts| consume(attempts).boxed()),
            dead_letter: Box::new(|_| async { Ok(()) }.boxed()),
            attempts: AtomicUsize::new(0),
            dead_letter_attempts: AtomicUsize::new(0),
            calls,
        };
        (consumer, recorded)
    }

    /// The first dead letters cannot be written.
    pub(crate) fn with_failing_dead_letters(mut self, failures: usize) -> Self {
        self.dead_letter = Box::new(move |attempts| {
            let written = if attempts < failures { Err(ConsumeError::retry("the disk is full")) } else { Ok(()) };
            async { written }.boxed()
        });
        self
    }
}

impl Consumer for ScriptedConsumer {
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>> {
        let _ = self.calls.send(Call::Consume(self.queue, event.id));
        (self.consume)(self.attempts.fetch_add(1, Ordering::SeqCst))
    }

    fn dead_letter(
        &self,
        event: Arc<CloudEvent>,
        error: String,
        attempts: u32,
    ) -> BoxFuture<'_, Result<(), ConsumeError>> {
        async move {
            (self.dead_letter)(self.dead_letter_attempts.fetch_add(1, Ordering::SeqCst)).await?;
            let _ = self.calls.send(Call::DeadLetter { event: event.id, error, attempts });
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

pub(crate) async fn next(calls: &mut mpsc::UnboundedReceiver<Call>) -> Call {
    tokio::time::timeout(WAIT_MAX, calls.recv()).await.expect("the bus delivers").expect("the consumer is there")
}

pub(crate) fn busy() -> ConsumeError {
    ConsumeError::retry("the database is busy")
}

fn unreadable() -> ConsumeError {
    ConsumeError::permanent("its data cannot be read")
}

fn unavailable() -> ConsumeError {
    ConsumeError::unavailable("the disk is full")
}

/// Each event reaches every queue that subscribes to its kind, once if nothing fails, and no other queue.
pub(crate) async fn each_queue_gets_the_kinds_that_it_subscribes_to(bus: &dyn Bus) {
    let mut queues = Vec::new();
    for queue in [Queue::Order, Queue::Payment, Queue::Inventory] {
        let (consumer, calls) = ScriptedConsumer::new(queue, |_| async { Ok(()) });
        bus.consume(queue, Arc::new(consumer));
        queues.push((queue, calls));
    }
    let events = [order_expired(), order_completed(), payment_completed()];
    for event in &events {
        bus.publish(Arc::clone(event)).await.unwrap();
    }
    for (queue, mut calls) in queues {
        let expected: Vec<_> = events.iter().filter(|event| queue.subscriptions().contains(&event.kind)).collect();
        let mut ids = Vec::new();
        for _ in &expected {
            let Call::Consume(_, id) = next(&mut calls).await else { panic!("{queue:?} dead-lettered an event") };
            ids.push(id);
        }
        ids.sort();
        assert_eq!(ids, expected.iter().map(|event| event.id).collect::<Vec<_>>(), "{queue:?}");
        assert!(calls.try_recv().is_err(), "{queue:?} got more than it subscribes to");
    }
}

/// A failed event is retried until it is consumed, and not once more.
pub(crate) async fn a_failed_event_is_retried(bus: &dyn Bus) {
    let (consumer, mut calls) =
        ScriptedConsumer::new(
            Queue::Payment,
            |attempts| async move { if attempts < 2 { Err(busy()) } else { Ok(()) } },
        );
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut calls).await, Call::Consume(Queue::Payment, event.id));
    }
    bus.close().await;
    assert!(calls.try_recv().is_err(), "it was delivered again after it was consumed");
}

/// The attempts are bounded.
pub(crate) async fn an_event_that_keeps_failing_is_dead_lettered(bus: &dyn Bus) {
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |_| async { Err(busy()) });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..ATTEMPTS_MAX {
        assert_eq!(next(&mut calls).await, Call::Consume(Queue::Payment, event.id));
    }
    let error = "the event was not consumed: the database is busy".to_owned();
    assert_eq!(next(&mut calls).await, Call::DeadLetter { event: event.id, error, attempts: ATTEMPTS_MAX });
}

/// An event that cannot be read is not retried.
pub(crate) async fn an_event_that_cannot_be_read_is_dead_lettered_at_once(bus: &dyn Bus) {
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |_| async { Err(unreadable()) });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    assert_eq!(next(&mut calls).await, Call::Consume(Queue::Payment, event.id));
    let error = "the event can never be consumed: its data cannot be read".to_owned();
    assert_eq!(next(&mut calls).await, Call::DeadLetter { event: event.id, error, attempts: 1 });
}

/// An event is not lost because its dead letter cannot be written yet.
pub(crate) async fn a_dead_letter_that_cannot_be_written_is_retried(bus: &dyn Bus) {
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |_| async { Err(unreadable()) });
    bus.consume(Queue::Payment, Arc::new(consumer.with_failing_dead_letters(3)));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..4 {
        assert_eq!(next(&mut calls).await, Call::Consume(Queue::Payment, event.id));
    }
    let error = "the event can never be consumed: its data cannot be read".to_owned();
    assert_eq!(next(&mut calls).await, Call::DeadLetter { event: event.id, error, attempts: 4 });
}

/// An event that fails while dead letters cannot be written is retried, and consumed after the outage.
pub(crate) async fn an_outage_that_also_fails_dead_letters_loses_nothing(bus: &dyn Bus) {
    const FAILED_ATTEMPTS: usize = ATTEMPTS_MAX as usize + 2;
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |attempts| async move {
        if attempts < FAILED_ATTEMPTS { Err(busy()) } else { Ok(()) }
    });
    bus.consume(Queue::Payment, Arc::new(consumer.with_failing_dead_letters(3)));
    consumed_after(bus, FAILED_ATTEMPTS, &mut calls).await;
}

/// While the consumer's database is unavailable nothing is dead-lettered, even if dead letters could be written.
pub(crate) async fn an_outage_of_the_database_dead_letters_nothing(bus: &dyn Bus) {
    const FAILED_ATTEMPTS: usize = 5 * ATTEMPTS_MAX as usize;
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |attempts| async move {
        if attempts < FAILED_ATTEMPTS { Err(unavailable()) } else { Ok(()) }
    });
    bus.consume(Queue::Payment, Arc::new(consumer));
    consumed_after(bus, FAILED_ATTEMPTS, &mut calls).await;
}

async fn consumed_after(bus: &dyn Bus, failed_attempts: usize, calls: &mut mpsc::UnboundedReceiver<Call>) {
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..=failed_attempts {
        assert_eq!(next(calls).await, Call::Consume(Queue::Payment, event.id));
    }
    bus.close().await;
    assert!(calls.try_recv().is_err(), "it was dead-lettered after it was consumed");
}

/// A panic is a failed attempt: the event is retried, and the queue goes on.
pub(crate) async fn a_consumer_that_panics_is_retried(bus: &dyn Bus) {
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |attempts| async move {
        assert!(attempts > 0, "the first attempt always panics");
        Ok(())
    });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(next(&mut calls).await, Call::Consume(Queue::Payment, event.id));
    }
}

/// A queue never consumes more events at once than its bound, however many wait.
pub(crate) async fn a_queue_consumes_a_bounded_number_of_events_at_once(bus: &dyn Bus) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, move |_| {
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
            next(&mut calls).await;
        }
        let one_more = tokio::time::timeout(Duration::from_millis(100), calls.recv()).await;
        assert!(one_more.is_err(), "more were consumed at once");
        gate.add_permits(events.len());
        next(&mut calls).await;
    };
    let (published, ()) = tokio::join!(publish, watch);
    assert!(published.iter().all(Result::is_ok));
}

/// An event is consumed in the trace that it carries, as a span of its own; without one, a trace begins.
pub(crate) async fn an_event_is_consumed_in_the_trace_that_it_carries(bus: &dyn Bus) {
    let (context, mut contexts) = mpsc::unbounded_channel();
    let (consumer, _calls) = ScriptedConsumer::new(Queue::Payment, move |_| {
        let context = context.clone();
        async move {
            let _ = context.send(TraceContext::current());
            Ok(())
        }
    });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let published_in = TraceContext::new_root();
    let mut traceparents = vec![Some(published_in.to_string()), None, Some("malformed".to_owned())].into_iter();
    let mut consumed_in = async || {
        let event = CloudEvent { traceparent: traceparents.next().flatten(), ..(*order_expired()).clone() };
        bus.publish(Arc::new(event)).await.unwrap();
        contexts.recv().await.flatten().expect("a trace")
    };
    let traced = consumed_in().await;
    assert_eq!(traced.trace_id, published_in.trace_id);
    assert_ne!(traced.span_id, published_in.span_id);
    assert_ne!(consumed_in().await.trace_id, published_in.trace_id);
    assert_ne!(consumed_in().await.trace_id, published_in.trace_id);
}

/// A subscription receives the kinds that it asked for, whether or not a queue has a consumer.
pub(crate) async fn a_subscription_receives_only_its_kinds(bus: &dyn Bus) {
    let mut subscription = bus.subscribe(&[EventKind::OrderCompleted]);
    let wanted = order_completed();
    bus.publish(order_expired()).await.unwrap();
    bus.publish(Arc::clone(&wanted)).await.unwrap();
    assert_next_is(&mut subscription, &wanted).await;
}

/// However many events of other kinds are published, a subscription falls behind only by events of its own kinds.
pub(crate) async fn a_subscription_loses_nothing_to_other_kinds(bus: &dyn Bus) {
    let mut subscription = bus.subscribe(&[EventKind::OrderCompleted]);
    let _another = bus.subscribe(EventKind::ALL);
    let wanted = order_completed();
    bus.publish(Arc::clone(&wanted)).await.unwrap();
    for _ in 0..=SUBSCRIPTION_EVENTS_MAX {
        bus.publish(order_expired()).await.unwrap();
    }
    assert_next_is(&mut subscription, &wanted).await;
}

async fn assert_next_is(subscription: &mut Subscription, wanted: &CloudEvent) {
    let received = tokio::time::timeout(WAIT_MAX, subscription.next()).await.expect("an event");
    let Some(Received::Event(event)) = received else { panic!("{received:?}") };
    assert_eq!(event.id, wanted.id);
}

/// The streams of screens end while queues still deliver.
pub(crate) async fn subscriptions_can_be_closed_before_the_bus(bus: &dyn Bus) {
    let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |_| async { Ok(()) });
    bus.consume(Queue::Payment, Arc::new(consumer));
    let mut subscription = bus.subscribe(EventKind::ALL);
    bus.close_subscriptions();
    let event = order_expired();
    bus.publish(Arc::clone(&event)).await.unwrap();
    assert!(subscription.next().await.is_none());
    assert_eq!(next(&mut calls).await, Call::Consume(Queue::Payment, event.id));
}

/// A closed bus refuses events and ends its subscriptions.
pub(crate) async fn a_closed_bus_refuses_events(bus: &dyn Bus) {
    let mut subscription = bus.subscribe(EventKind::ALL);
    bus.close().await;
    assert!(matches!(bus.publish(order_expired()).await, Err(PublishError::Closed)));
    assert!(subscription.next().await.is_none());
    assert!(bus.subscribe(EventKind::ALL).next().await.is_none());
}
