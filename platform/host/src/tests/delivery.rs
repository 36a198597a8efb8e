//! From one service's outbox to another's consumer.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{Router, routing::get};
use bus::{Bus, ConsumeError, Consumer, MemoryBus, PublishError, Subscription};
use contracts::event::{CloudEvent, EventKind, OrderExpired, PaymentOrphaned, Queue};
use db::{DbError, dead_letters, outbox};
use futures::{FutureExt, future::BoxFuture};
use trace::TraceContext;

use super::{Consumed, NOW, TestHost, append, order_expired, payment, service};
use crate::{Event, EventConsumer, Service, ServiceHost, redrive::redrive_requested, retry};

#[tokio::test]
async fn appended_events_are_consumed_and_marked_as_published() {
    let setup = TestHost::new();
    let (orders, payments, consumed) = (setup.db("order").await, setup.db("payment").await, Consumed::default());
    let recorded = consumed.clone();
    let consume = move |event: Arc<CloudEvent>| {
        recorded.record(&event);
        async { Ok(()) }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    for _ in 0..500 {
        append(&orders, order_expired()).await;
    }
    host.wait_until_idle().await.unwrap();
    assert_eq!(consumed.count(), 500);
    let published = |tx: &mut db::Tx<'_>| {
        const SQL: &str = "SELECT COUNT(*) AS events FROM outbox WHERE published_at IS NOT NULL";
        tx.query_one(SQL, (), |row| row.get::<i64>("events"))
    };
    assert_eq!(orders.read::<_, DbError, _>(published).await, Ok(500));
    host.stop().await;
}

#[tokio::test]
async fn an_event_that_fails_at_first_is_retried() {
    let setup = TestHost::new();
    let (orders, payments, consumed) = (setup.db("order").await, setup.db("payment").await, Consumed::default());
    let recorded = consumed.clone();
    let consume = move |event: Arc<CloudEvent>| {
        let attempts = recorded.record(&event);
        async move { if attempts < 3 { Err(ConsumeError::retry("the database is busy")) } else { Ok(()) } }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    append(&orders, order_expired()).await;
    host.wait_until_idle().await.unwrap();
    assert_eq!(consumed.count(), 3);
    let letters = payments.read::<_, DbError, _>(|tx| dead_letters::list(tx, 10)).await.unwrap();
    assert!(letters.is_empty(), "{letters:?}");
}

#[tokio::test]
async fn an_unreadable_event_is_dead_lettered_and_redriven_on_request() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    // Until the program is fixed, it reads the event as another kind.
    let is_fixed = Arc::new(AtomicU32::new(0));
    let fixed = Arc::clone(&is_fixed);
    let consume = move |event: Arc<CloudEvent>| {
        let read = match fixed.load(Ordering::SeqCst) {
            0 => event.data::<PaymentOrphaned>().map(drop),
            _ => event.data::<OrderExpired>().map(drop),
        };
        async { read.map_err(ConsumeError::permanent) }
    };
    let payment = payment(&payments, consume);
    let (queue, consumer) = payment.consumer.clone().unwrap();
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment]);
    append(&orders, order_expired()).await;
    host.wait_until_idle().await.unwrap();
    let dead_letters = async || payments.read::<_, DbError, _>(|tx| dead_letters::list(tx, 10)).await.unwrap();
    let letters = dead_letters().await;
    assert_eq!((letters.len(), letters[0].attempts), (1, 1));
    assert!(letters[0].error.contains("OrderExpired, not PaymentOrphaned"), "{}", letters[0].error);

    redrive_requested("payment", &payments, queue, &*consumer).await.unwrap();
    assert_eq!(dead_letters().await[0].attempts, 1, "nobody requested it");

    let request_redrive = async || {
        let requested = payments.write::<_, DbError, _>(|tx| dead_letters::request_redrive(tx, None, NOW)).await;
        assert_eq!(requested, Ok(1));
    };
    request_redrive().await;
    redrive_requested("payment", &payments, queue, &*consumer).await.unwrap();
    let letters = dead_letters().await;
    assert_eq!((letters.len(), letters[0].attempts, letters[0].redrive_requested_at), (1, 2, None));

    is_fixed.store(1, Ordering::SeqCst);
    request_redrive().await;
    redrive_requested("payment", &payments, queue, &*consumer).await.unwrap();
    assert!(dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_requested_redrive_waits_for_an_unavailable_database() {
    let setup = TestHost::new();
    let payments = setup.db("payment").await;
    let event = Arc::new(CloudEvent::new(&order_expired(), NOW).unwrap());
    let insert = move |tx: &mut db::Tx<'_>| {
        dead_letters::insert(tx, "payment", &event, "the database is busy", 8, NOW)?;
        dead_letters::request_redrive(tx, None, NOW).map(drop)
    };
    payments.write::<_, DbError, _>(insert).await.unwrap();
    let unavailable = |_| async { Err(ConsumeError::unavailable("the disk is full")) };
    let (queue, consumer) = payment(&payments, unavailable).consumer.unwrap();
    let error = redrive_requested("payment", &payments, queue, &*consumer).await.unwrap_err();
    assert!(errors::chain(&error).to_string().ends_with("the disk is full"), "{error}");
    let letters = payments.read::<_, DbError, _>(|tx| dead_letters::list(tx, 10)).await.unwrap();
    assert_eq!((letters[0].attempts, letters[0].redrive_requested_at), (8, Some(NOW)));
}

#[tokio::test]
async fn an_event_is_consumed_in_the_trace_in_which_it_was_written() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let (context, mut contexts) = tokio::sync::mpsc::unbounded_channel();
    let consume = move |_| {
        let context = context.clone();
        async move {
            let _ = context.send(TraceContext::current());
            Ok(())
        }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    let request = TraceContext::new_root();
    trace::scope(request, append(&orders, order_expired())).await;
    append(&orders, order_expired()).await;
    host.wait_until_idle().await.unwrap();
    let trace_ids = [contexts.recv().await, contexts.recv().await].map(|context| context.flatten().unwrap().trace_id);
    assert_eq!(trace_ids.iter().filter(|id| **id == request.trace_id).count(), 1, "{request:?} {trace_ids:x?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_is_idle_when_the_events_that_followed_are_consumed_too() {
    let setup = TestHost::new();
    let (orders, payments, stock) = (setup.db("order").await, setup.db("payment").await, setup.db("inventory").await);
    // Order publishes OrderExpired -> Inventory publishes PaymentOrphaned -> Payment consumes it.
    let consumed = Consumed::default();
    let recorded = consumed.clone();
    let publish_orphaned = async |db: db::Db, event: Event<OrderExpired>| {
        let orphaned = PaymentOrphaned {
            order_id: event.data.order_id,
            payment_id: contracts::ids::PaymentId::new(NOW),
            reason: "its order expired".into(),
        };
        db.write::<_, DbError, _>(move |tx| outbox::append(tx, &orphaned, NOW)).await.map_err(retry)
    };
    let consumer = EventConsumer::new("inventory", Queue::Inventory, &stock, stock.clone()).on(publish_orphaned);
    let inventory = Service { consumer: Some(consumer.build()), ..service("inventory", &stock) };
    let payment = payment(&payments, move |event: Arc<CloudEvent>| {
        if event.kind == EventKind::PaymentOrphaned {
            recorded.record(&event);
        }
        async { Ok(()) }
    });
    let hosts = [
        ServiceHost::start(&setup.context, vec![inventory]),
        ServiceHost::start(&setup.context, vec![service("order", &orders), payment]),
    ];
    for orders_expired in 1..=100 {
        append(&orders, order_expired()).await;
        ServiceHost::wait_until_all_idle(&hosts).await.unwrap();
        assert_eq!(consumed.count(), orders_expired);
    }
}

/// Refuses the first event, as a full queue would.
struct FullOnce(MemoryBus, AtomicU32);

impl Bus for FullOnce {
    fn publish(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), PublishError>> {
        if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
            return async { Err(PublishError::QueueFull("payment_events")) }.boxed();
        }
        self.0.publish(event)
    }
    fn consume(&self, queue: Queue, consumer: Arc<dyn Consumer>) {
        self.0.consume(queue, consumer);
    }
    fn subscribe(&self, kinds: &'static [EventKind]) -> Subscription {
        self.0.subscribe(kinds)
    }
    fn close_subscriptions(&self) {
        self.0.close_subscriptions();
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

#[tokio::test]
async fn an_event_that_the_bus_refused_is_swept_and_published() {
    let setup = TestHost::on(Arc::new(FullOnce(MemoryBus::new(), AtomicU32::new(0))));
    let (orders, payments, consumed) = (setup.db("order").await, setup.db("payment").await, Consumed::default());
    let recorded = consumed.clone();
    let consume = move |event: Arc<CloudEvent>| {
        recorded.record(&event);
        async { Ok(()) }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    append(&orders, order_expired()).await;
    setup.context.clock.advance(std::time::Duration::from_secs(3));
    host.wait_until_idle().await.unwrap();
    assert_eq!(consumed.count(), 1);
}

#[tokio::test]
async fn services_of_a_host_can_call_each_other() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let router = Router::new().route("/internal/greeting", get(async || axum::Json("hello")));
    let order = Service { router, ..service("order", &orders) };
    let never = |_| async { Err(ConsumeError::permanent("never called")) };
    let client = setup.context.services.client("order");
    let _host = ServiceHost::start(&setup.context, vec![order, payment(&payments, never)]);
    assert_eq!(client.get::<String>("/internal/greeting").await.unwrap(), "hello");
}
