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

use super::{NOW, Received, TestHost, order_expired, payment, say, service};
use crate::{Event, EventConsumer, Host, Service, redrive::redrive_due, retry};

#[tokio::test]
async fn what_a_service_says_reaches_who_acts_on_it_and_is_marked() {
    let setup = TestHost::new();
    let (orders, payments, heard) = (setup.db("order").await, setup.db("payment").await, Received::default());
    let noted = heard.clone();
    let act = move |event: Arc<CloudEvent>| {
        noted.note(&event);
        async { Ok(()) }
    };
    let host = Host::start(&setup.context, vec![service("order", &orders), payment(&payments, act)]);
    for _ in 0..500 {
        say(&orders, order_expired()).await;
    }
    host.settled().await.unwrap();
    assert_eq!(heard.count(), 500);
    let published = |tx: &mut db::Tx<'_>| {
        const SQL: &str = "SELECT COUNT(*) AS events FROM outbox WHERE published_at IS NOT NULL";
        tx.query_one(SQL, (), |row| row.get::<i64>("events"))
    };
    assert_eq!(orders.read::<_, DbError, _>(published).await, Ok(500));
    host.stop().await;
}

#[tokio::test]
async fn what_fails_at_first_is_tried_again() {
    let setup = TestHost::new();
    let (orders, payments, heard) = (setup.db("order").await, setup.db("payment").await, Received::default());
    let noted = heard.clone();
    let act = move |event: Arc<CloudEvent>| {
        let attempts = noted.note(&event);
        async move { if attempts < 3 { Err(ConsumeError::retry("the database is busy")) } else { Ok(()) } }
    };
    let host = Host::start(&setup.context, vec![service("order", &orders), payment(&payments, act)]);
    say(&orders, order_expired()).await;
    host.settled().await.unwrap();
    assert_eq!(heard.count(), 3);
    let buried = payments.read::<_, DbError, _>(|tx| dead_letters::list(tx, 10)).await.unwrap();
    assert!(buried.is_empty(), "{buried:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_buried_and_tried_again_when_a_person_asks() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    // Until the program is mended, it takes the event for another.
    let is_mended = Arc::new(AtomicU32::new(0));
    let mended = Arc::clone(&is_mended);
    let act = move |event: Arc<CloudEvent>| {
        let read = match mended.load(Ordering::SeqCst) {
            0 => event.data::<PaymentOrphaned>().map(drop),
            _ => event.data::<OrderExpired>().map(drop),
        };
        async { read.map_err(ConsumeError::permanent) }
    };
    let payment = payment(&payments, act);
    let (_, consumer) = payment.consumer.clone().unwrap();
    let host = Host::start(&setup.context, vec![service("order", &orders), payment]);
    say(&orders, order_expired()).await;
    host.settled().await.unwrap();
    let buried = async || payments.read::<_, DbError, _>(|tx| dead_letters::list(tx, 10)).await.unwrap();
    let letters = buried().await;
    assert_eq!((letters.len(), letters[0].attempts), (1, 1));
    assert!(letters[0].error.contains("OrderExpired, not PaymentOrphaned"), "{}", letters[0].error);

    redrive_due("payment", &payments, &*consumer).await.unwrap();
    assert_eq!(buried().await[0].attempts, 1, "nobody asked");

    let ask = async || {
        let asked = payments.write::<_, DbError, _>(|tx| dead_letters::request_redrive(tx, None, NOW)).await;
        assert_eq!(asked, Ok(1));
    };
    ask().await;
    redrive_due("payment", &payments, &*consumer).await.unwrap();
    let letters = buried().await;
    assert_eq!((letters.len(), letters[0].attempts, letters[0].redrive_requested_at), (1, 2, None));

    is_mended.store(1, Ordering::SeqCst);
    ask().await;
    redrive_due("payment", &payments, &*consumer).await.unwrap();
    assert!(buried().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settled_means_that_what_followed_from_an_event_was_acted_on_too() {
    let setup = TestHost::new();
    let (orders, payments, stock) = (setup.db("order").await, setup.db("payment").await, setup.db("inventory").await);
    // Order expires -> Payment says that its money is an orphan's -> Payment hears that itself.
    let heard = Received::default();
    let noted = heard.clone();
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
            noted.note(&event);
        }
        async { Ok(()) }
    });
    let hosts = [
        Host::start(&setup.context, vec![inventory]),
        Host::start(&setup.context, vec![service("order", &orders), payment]),
    ];
    for orders_said in 1..=100 {
        say(&orders, order_expired()).await;
        Host::wait_until_all_idle(&hosts).await.unwrap();
        assert_eq!(heard.count(), orders_said);
    }
}

/// Refuses the first event, as a full queue does.
struct FullAtFirst(MemoryBus, AtomicU32);

impl Bus for FullAtFirst {
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
async fn what_the_bus_refused_is_swept_and_sent_again() {
    let setup = TestHost::on(Arc::new(FullAtFirst(MemoryBus::new(), AtomicU32::new(0))));
    let (orders, payments, heard) = (setup.db("order").await, setup.db("payment").await, Received::default());
    let noted = heard.clone();
    let act = move |event: Arc<CloudEvent>| {
        noted.note(&event);
        async { Ok(()) }
    };
    let host = Host::start(&setup.context, vec![service("order", &orders), payment(&payments, act)]);
    say(&orders, order_expired()).await;
    setup.context.clock.advance(std::time::Duration::from_secs(3));
    host.settled().await.unwrap();
    assert_eq!(heard.count(), 1);
}

#[tokio::test]
async fn services_of_a_host_can_call_each_other() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let router = Router::new().route("/internal/greeting", get(async || axum::Json("hello")));
    let order = Service { router, ..service("order", &orders) };
    let never = |_| async { Err(ConsumeError::permanent("not asked")) };
    let peer = setup.context.services.client("order");
    let _host = Host::start(&setup.context, vec![order, payment(&payments, never)]);
    assert_eq!(peer.get::<String>("/internal/greeting").await.unwrap(), "hello");
}
