//! The adapters: each by the conformance suite, and by what it promises beyond.

mod memory {
    use std::{sync::Arc, time::Duration};

    use contracts::event::Queue;
    use futures::FutureExt;
    use tokio::{
        sync::{Semaphore, mpsc},
        time::Instant,
    };

    use crate::{
        Bus, CONCURRENT_EVENTS_MAX, MemoryBus, PublishError, QUEUED_EVENTS_MAX,
        conformance::{self, Scripted, Seen, later, next, order_completed, order_expired},
    };

    #[tokio::test(start_paused = true)]
    async fn each_queue_gets_what_it_hears_and_nothing_else() {
        conformance::each_queue_gets_what_it_hears_and_nothing_else(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_fails_is_tried_again() {
        conformance::an_event_that_fails_is_tried_again(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_keeps_failing_is_buried() {
        conformance::an_event_that_keeps_failing_is_buried(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_can_never_be_acted_on_is_buried_at_once() {
        conformance::an_event_that_can_never_be_acted_on_is_buried_at_once(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_burial_that_fails_is_tried_until_it_works() {
        conformance::a_burial_that_fails_is_tried_until_it_works(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_longer_than_all_tries_buries_nothing() {
        conformance::an_outage_longer_than_all_tries_buries_nothing(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn every_burial_is_counted_for_its_queue() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let counted = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        conformance::an_event_that_can_never_be_acted_on_is_buried_at_once(&MemoryBus::new()).await;
        assert!(counted.render().contains("dead_letters_total{queue=\"payment_events\"} 1"), "{}", counted.render());
    }

    #[tokio::test(start_paused = true)]
    async fn a_consumer_that_panics_is_asked_again() {
        conformance::a_consumer_that_panics_is_asked_again(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_acts_on_a_bounded_number_at_once() {
        conformance::a_queue_acts_on_a_bounded_number_at_once(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_hears_its_kinds_alone() {
        conformance::a_listener_hears_its_kinds_alone(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_misses_nothing_because_of_other_kinds() {
        conformance::a_listener_misses_nothing_because_of_other_kinds(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn listeners_can_be_ended_before_the_bus() {
        conformance::listeners_can_be_ended_before_the_bus(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_bus_takes_nothing() {
        conformance::a_closed_bus_takes_nothing(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_confirmed_only_when_every_queue_acted_on_it_or_buried_it() {
        let bus = MemoryBus::new();
        let (slow, mut slow_seen) =
            Scripted::new(Queue::Payment, |attempts| async move { if attempts < 3 { Err(later()) } else { Ok(()) } });
        let (fast, mut fast_seen) = Scripted::new(Queue::Inventory, |_| async { Ok(()) });
        bus.consume(Queue::Payment, Arc::new(slow));
        bus.consume(Queue::Inventory, Arc::new(fast));
        bus.publish(order_expired()).await.unwrap();
        let attempts = |seen: &mut mpsc::UnboundedReceiver<Seen>| std::iter::from_fn(|| seen.try_recv().ok()).count();
        assert_eq!((attempts(&mut slow_seen), attempts(&mut fast_seen)), (4, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_goes_on_though_its_publisher_waits_no_longer() {
        let bus = MemoryBus::new();
        let (consumer, mut seen) =
            Scripted::new(Queue::Payment, |attempts| async move { if attempts == 0 { Err(later()) } else { Ok(()) } });
        bus.consume(Queue::Payment, Arc::new(consumer));
        assert!(tokio::time::timeout(Duration::from_millis(1), bus.publish(order_expired())).await.is_err());
        next(&mut seen).await;
        next(&mut seen).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_at_once_and_for_all_queues() {
        let bus = MemoryBus::new();
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        let (stuck, _) = Scripted::new(Queue::Payment, move |_| {
            let gate = Arc::clone(&held);
            async move { gate.acquire().await.map(drop).map_err(|_| later()) }
        });
        let (free, mut free_seen) = Scripted::new(Queue::Inventory, |_| async { Ok(()) });
        bus.consume(Queue::Payment, Arc::new(stuck));
        let mut waiting: Vec<_> = (0..QUEUED_EVENTS_MAX).map(|_| bus.publish(order_expired())).collect();
        assert!(waiting.iter_mut().all(|publish| publish.now_or_never().is_none()));

        bus.consume(Queue::Inventory, Arc::new(free));
        let refused = bus.publish(order_expired()).await;
        assert!(matches!(refused, Err(PublishError::QueueFull("payment_events"))), "{refused:?}");
        assert!(free_seen.try_recv().is_err(), "a refused event was half delivered");
        bus.publish(order_completed()).await.unwrap(); // Payment does not hear it.

        gate.add_permits(1);
        futures::future::join_all(waiting).await;
        bus.publish(order_expired()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_in_its_pause_takes_no_other_events_place() {
        let bus = MemoryBus::new();
        let (consumer, mut seen) = Scripted::new(Queue::Payment, |attempts| async move {
            if attempts < CONCURRENT_EVENTS_MAX { Err(later()) } else { Ok(()) }
        });
        bus.consume(Queue::Payment, Arc::new(consumer));
        let mut failing: Vec<_> = (0..CONCURRENT_EVENTS_MAX).map(|_| bus.publish(order_expired())).collect();
        assert!(failing.iter_mut().all(|publish| publish.now_or_never().is_none()));
        for _ in 0..CONCURRENT_EVENTS_MAX {
            next(&mut seen).await;
        }
        let before = Instant::now();
        bus.publish(order_expired()).await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn close_waits_for_what_is_acted_on_and_ends_what_waits_for_another_try() {
        let bus = Arc::new(MemoryBus::new());
        let (consumer, mut seen) = Scripted::new(Queue::Payment, |attempts| async move {
            if attempts == 0 {
                return Err(later());
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok(())
        });
        bus.consume(Queue::Payment, Arc::new(consumer));
        let publish = |event| {
            let bus = Arc::clone(&bus);
            tokio::spawn(async move { bus.publish(event).await })
        };
        let retrying = publish(order_expired());
        next(&mut seen).await;
        let acted_on = publish(order_expired());
        next(&mut seen).await;
        let before = Instant::now();
        bus.close().await;
        assert_eq!(before.elapsed(), Duration::from_secs(2));
        assert!(matches!(retrying.await.unwrap(), Err(PublishError::Closed)));
        assert!(acted_on.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn close_does_not_wait_for_ever() {
        let bus = MemoryBus::new();
        let (consumer, mut seen) = Scripted::new(Queue::Payment, |_| std::future::pending());
        bus.consume(Queue::Payment, Arc::new(consumer));
        let mut publish = bus.publish(order_expired());
        assert!((&mut publish).now_or_never().is_none());
        assert!(matches!(next(&mut seen).await, Seen::Tried(Queue::Payment, _)));
        let before = Instant::now();
        bus.close().await;
        assert_eq!(before.elapsed(), Duration::from_secs(5));
    }
}
