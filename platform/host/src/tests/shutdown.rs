//! Shutdowns and kills.

use std::{sync::Arc, time::Duration};

use contracts::event::CloudEvent;
use db::{DbError, outbox};
use tokio::{sync::Notify, time::Instant};

use super::{Consumed, NOW, TestHost, append, order_expired, payment, service};
use crate::ServiceHost;

#[tokio::test]
async fn events_of_a_killed_process_are_delivered_at_the_next_start() {
    let setup = TestHost::new();
    let orders = setup.db("order").await;
    let append_many = |tx: &mut db::Tx<'_>| (0..1_100).try_for_each(|_| outbox::append(tx, &order_expired(), NOW));
    orders.write::<_, DbError, _>(append_many).await.unwrap();
    drop(orders); // Nothing published them: the process was killed.

    let setup = setup.restarted();
    let (orders, payments, consumed) = (setup.db("order").await, setup.db("payment").await, Consumed::default());
    let recorded = consumed.clone();
    let consume = move |event: Arc<CloudEvent>| {
        recorded.record(&event);
        async { Ok(()) }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    host.wait_until_idle().await.unwrap();
    assert_eq!(consumed.count(), 1_100);
}

#[tokio::test]
async fn a_start_delivers_everything_though_the_clock_was_set_back() {
    const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let setup = TestHost::new();
    let orders = setup.db("order").await;
    append(&orders, order_expired()).await;
    drop(orders); // Nothing published it: the power failed, and the computer has no battery for its clock.

    let mut setup = setup.restarted();
    setup.context.clock = clock::Clock::manual(NOW - A_YEAR);
    let (orders, payments, consumed) = (setup.db("order").await, setup.db("payment").await, Consumed::default());
    let recorded = consumed.clone();
    let consume = move |event: Arc<CloudEvent>| {
        recorded.record(&event);
        async { Ok(()) }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    host.wait_until_idle().await.unwrap();
    assert_eq!(consumed.count(), 1);
}

#[tokio::test]
async fn events_being_consumed_at_a_stop_are_finished_and_marked() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (is_started, may_end) = (Arc::clone(&started), Arc::clone(&go_on));
    let consume = move |_| {
        let (is_started, may_end) = (Arc::clone(&is_started), Arc::clone(&may_end));
        async move {
            is_started.notify_one();
            may_end.notified().await;
            Ok(())
        }
    };
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment(&payments, consume)]);
    append(&orders, order_expired()).await;
    started.notified().await;
    tokio::join!(host.stop(), async { go_on.notify_one() });

    let setup = setup.restarted();
    let orders = setup.db("order").await;
    let unpublished = orders.read::<_, DbError, _>(outbox::count_unpublished).await;
    assert_eq!(unpublished, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_at_most_six_seconds_whatever_hangs() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let started = Arc::new(Notify::new());
    let is_started = Arc::clone(&started);
    let consume = move |_| {
        is_started.notify_one();
        std::future::pending()
    };
    let timer =
        crate::Timer::new("hangs", Duration::from_millis(1), (), |()| std::future::pending::<Result<(), DbError>>());
    let mut payment = payment(&payments, consume);
    payment.timers.push(timer);
    let host = ServiceHost::start(&setup.context, vec![service("order", &orders), payment]);
    append(&orders, order_expired()).await;
    started.notified().await;
    let before = Instant::now();
    host.stop().await;
    let took = before.elapsed();
    assert!(took <= Duration::from_secs(6), "{took:?}");
}
