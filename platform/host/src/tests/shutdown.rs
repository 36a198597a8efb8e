//! Stops and kills.

use std::{sync::Arc, time::Duration};

use contracts::event::CloudEvent;
use db::{DbError, outbox};
use tokio::{sync::Notify, time::Instant};

use super::{NOW, Received, TestHost, order_expired, payment, say, service};
use crate::Host;

#[tokio::test]
async fn what_a_killed_process_left_is_delivered_at_the_next_start() {
    let setup = TestHost::new();
    let orders = setup.db("order").await;
    let say_many = |tx: &mut db::Tx<'_>| (0..1_100).try_for_each(|_| outbox::append(tx, &order_expired(), NOW));
    orders.write::<_, DbError, _>(say_many).await.unwrap();
    drop(orders); // Nobody published: the process was killed.

    let setup = setup.restarted();
    let (orders, payments, heard) = (setup.db("order").await, setup.db("payment").await, Received::default());
    let noted = heard.clone();
    let act = move |event: Arc<CloudEvent>| {
        noted.note(&event);
        async { Ok(()) }
    };
    let host = Host::start(&setup.context, vec![service("order", &orders), payment(&payments, act)]);
    host.settled().await.unwrap();
    assert_eq!(heard.count(), 1_100);
}

#[tokio::test]
async fn what_was_left_is_delivered_though_the_clock_is_behind_after_the_restart() {
    const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let setup = TestHost::new();
    let orders = setup.db("order").await;
    say(&orders, order_expired()).await;
    drop(orders); // Nobody published: the power went, and the small computer has no clock that goes on without it.

    let mut setup = setup.restarted();
    setup.context.clock = clock::Clock::manual(NOW - A_YEAR);
    let (orders, payments, heard) = (setup.db("order").await, setup.db("payment").await, Received::default());
    let noted = heard.clone();
    let act = move |event: Arc<CloudEvent>| {
        noted.note(&event);
        async { Ok(()) }
    };
    let host = Host::start(&setup.context, vec![service("order", &orders), payment(&payments, act)]);
    host.settled().await.unwrap();
    assert_eq!(heard.count(), 1);
}

#[tokio::test]
async fn what_is_acted_on_while_the_host_stops_is_finished_and_marked() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at_work, allowed) = (Arc::clone(&begun), Arc::clone(&go_on));
    let act = move |_| {
        let (at_work, allowed) = (Arc::clone(&at_work), Arc::clone(&allowed));
        async move {
            at_work.notify_one();
            allowed.notified().await;
            Ok(())
        }
    };
    let host = Host::start(&setup.context, vec![service("order", &orders), payment(&payments, act)]);
    say(&orders, order_expired()).await;
    begun.notified().await;
    tokio::join!(host.stop(), async { go_on.notify_one() });

    let setup = setup.restarted();
    let orders = setup.db("order").await;
    let unpublished = orders.read::<_, DbError, _>(outbox::count_unpublished).await;
    assert_eq!(unpublished, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_six_seconds_at_most_whatever_hangs() {
    let setup = TestHost::new();
    let (orders, payments) = (setup.db("order").await, setup.db("payment").await);
    let begun = Arc::new(Notify::new());
    let at_work = Arc::clone(&begun);
    let act = move |_| {
        at_work.notify_one();
        std::future::pending()
    };
    let timer =
        crate::Timer::new("hangs", Duration::from_millis(1), (), |()| std::future::pending::<Result<(), DbError>>());
    let mut payment = payment(&payments, act);
    payment.timers.push(timer);
    let host = Host::start(&setup.context, vec![service("order", &orders), payment]);
    say(&orders, order_expired()).await;
    begun.notified().await;
    let before = Instant::now();
    host.stop().await;
    let took = before.elapsed();
    assert!(took <= Duration::from_secs(6), "{took:?}");
}
