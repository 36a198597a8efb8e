//! Timers, pruning, and the shop's rules.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use contracts::{
    event::{CloudEvent, SessionEnded, ShopChanged},
    ids::{EventId, SessionId},
    shop::ShopSettings,
};
use db::{
    DbError,
    inbox::{self, Delivery},
};

use super::{NOW, TestHost};
use tokio_util::sync::CancellationToken;

use crate::{ServiceHost, Timer, credentials, pruning, timers};

#[tokio::test(start_paused = true)]
async fn a_timer_runs_again_after_errors_and_panics_until_the_shutdown() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let timer = Timer::new("counts", Duration::from_secs(60), (), move |()| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert_ne!(run, 1, "the second run panics");
            if run == 0 { Err("the first run fails") } else { Ok(()) }
        }
    });
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(timers::run("order", timer, shutdown.clone()));
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    tokio::time::sleep(Duration::from_secs(3 * 60)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn only_old_rows_are_pruned() {
    let setup = TestHost::new();
    let db = setup.db("payment").await;
    let receive = |received_at| {
        db.write::<_, DbError, _>(move |tx| {
            (0..700).try_for_each(|_| {
                let delivery = Delivery { consumer: "payment", event_id: EventId::new(NOW) };
                inbox::once(tx, delivery, received_at, |_| Ok(())).map(drop)
            })
        })
    };
    receive(NOW).await.unwrap();
    receive(NOW + Duration::from_secs(1)).await.unwrap();
    let shutdown = CancellationToken::new();
    let before = NOW + Duration::from_secs(1);
    assert_eq!(pruning::prune_table(&db, inbox::prune, before, &shutdown).await, Ok(700));
    assert_eq!(pruning::prune_table(&db, inbox::prune, before, &shutdown).await, Ok(0));
}

#[tokio::test]
async fn new_settings_are_applied_even_if_many_events_are_published_at_once() {
    let setup = TestHost::new();
    let host = ServiceHost::start(&setup.context, Vec::new());
    let changes = (2..3_000).map(|version| ShopChanged { version, settings: ShopSettings::default() });
    for change in changes {
        setup.context.bus.publish(Arc::new(CloudEvent::new(&change, NOW).unwrap())).await.unwrap();
        setup.context.bus.publish(Arc::new(CloudEvent::new(&super::order_expired(), NOW).unwrap())).await.unwrap();
    }
    let settings = ShopSettings { name: "Kopi Akhir".into(), ..ShopSettings::default() };
    let last = CloudEvent::new(&ShopChanged { version: 3_000, settings }, NOW).unwrap();
    setup.context.bus.publish(Arc::new(last)).await.unwrap();
    let applied = async {
        while setup.context.shop.current().settings().name != "Kopi Akhir" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), applied).await.expect("the settings are applied");
    host.stop().await;
}

#[tokio::test]
async fn the_newest_settings_of_the_shop_are_applied() {
    let setup = TestHost::new();
    let host = ServiceHost::start(&setup.context, Vec::new());
    for (version, name) in [(2, "Kopi Dua"), (1, "Kopi Satu"), (3, "Kopi Tiga"), (2, "Kopi Dua")] {
        let settings = ShopSettings { name: name.into(), ..ShopSettings::default() };
        let event = CloudEvent::new(&ShopChanged { version, settings }, NOW).unwrap();
        setup.context.bus.publish(Arc::new(event)).await.unwrap();
    }
    let applied = async {
        while setup.context.shop.current().settings().name != "Kopi Tiga" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), applied).await.expect("the settings are applied");
    host.stop().await;
    assert_eq!(setup.context.shop.current().settings().name, "Kopi Tiga");
}

#[tokio::test]
async fn a_process_that_missed_changes_of_credentials_asks_for_them() {
    let setup = TestHost::new();
    let (access, bus, shutdown) = (&setup.context.access, &*setup.context.bus, CancellationToken::new());
    let following = credentials::follow(access.clone(), bus, shutdown.clone());
    let ended = SessionEnded { session_id: SessionId::new(NOW), expires_at: NOW };
    for _ in 0..=bus::SUBSCRIPTION_EVENTS_MAX {
        bus.publish(Arc::new(CloudEvent::new(&ended, NOW).unwrap())).await.unwrap();
    }
    assert!(!access.take_reload_request());
    bus.close_subscriptions();
    following.await;
    assert!(access.take_reload_request());
    assert!(!access.take_reload_request(), "it is asked for once");
}
