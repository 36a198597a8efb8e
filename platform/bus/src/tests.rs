//! Each adapter: the conformance suite, and what it promises beyond it.

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
        conformance::{self, Call, ScriptedConsumer, busy, next, order_completed, order_expired},
    };

    #[tokio::test(start_paused = true)]
    async fn each_queue_gets_the_kinds_that_it_subscribes_to() {
        conformance::each_queue_gets_the_kinds_that_it_subscribes_to(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_event_is_retried() {
        conformance::a_failed_event_is_retried(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_keeps_failing_is_dead_lettered() {
        conformance::an_event_that_keeps_failing_is_dead_lettered(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_cannot_be_read_is_dead_lettered_at_once() {
        conformance::an_event_that_cannot_be_read_is_dead_lettered_at_once(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_letter_that_cannot_be_written_is_retried() {
        conformance::a_dead_letter_that_cannot_be_written_is_retried(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_also_fails_dead_letters_loses_nothing() {
        conformance::an_outage_that_also_fails_dead_letters_loses_nothing(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_the_database_dead_letters_nothing() {
        conformance::an_outage_of_the_database_dead_letters_nothing(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_consumed_in_the_trace_that_it_carries() {
        conformance::an_event_is_consumed_in_the_trace_that_it_carries(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn consumed_retried_and_dead_lettered_events_are_counted_for_each_queue() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        conformance::an_event_that_cannot_be_read_is_dead_lettered_at_once(&MemoryBus::new()).await;
        conformance::a_failed_event_is_retried(&MemoryBus::new()).await;
        let rendered = metrics.render();
        for line in [
            "events_consumed_total{queue=\"payment_events\"} 1",
            "events_retried_total{queue=\"payment_events\"} 2",
            "events_dead_lettered_total{queue=\"payment_events\"} 1",
        ] {
            assert!(rendered.contains(line), "{line} is missing in {rendered}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_consumer_that_panics_is_retried() {
        conformance::a_consumer_that_panics_is_retried(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_consumes_a_bounded_number_of_events_at_once() {
        conformance::a_queue_consumes_a_bounded_number_of_events_at_once(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_receives_only_its_kinds() {
        conformance::a_subscription_receives_only_its_kinds(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_loses_nothing_to_other_kinds() {
        conformance::a_subscription_loses_nothing_to_other_kinds(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn subscriptions_can_be_closed_before_the_bus() {
        conformance::subscriptions_can_be_closed_before_the_bus(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_bus_refuses_events() {
        conformance::a_closed_bus_refuses_events(&MemoryBus::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn publish_returns_when_every_queue_has_consumed_or_dead_lettered_it() {
        let bus = MemoryBus::new();
        let (slow, mut slow_calls) =
            ScriptedConsumer::new(
                Queue::Payment,
                |attempts| async move { if attempts < 3 { Err(busy()) } else { Ok(()) } },
            );
        let (fast, mut fast_calls) = ScriptedConsumer::new(Queue::Inventory, |_| async { Ok(()) });
        bus.consume(Queue::Payment, Arc::new(slow));
        bus.consume(Queue::Inventory, Arc::new(fast));
        bus.publish(order_expired()).await.unwrap();
        let attempts = |calls: &mut mpsc::UnboundedReceiver<Call>| std::iter::from_fn(|| calls.try_recv().ok()).count();
        assert_eq!((attempts(&mut slow_calls), attempts(&mut fast_calls)), (4, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn delivery_goes_on_after_the_publisher_stopped_waiting() {
        let bus = MemoryBus::new();
        let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |attempts| async move {
            if attempts == 0 { Err(busy()) } else { Ok(()) }
        });
        bus.consume(Queue::Payment, Arc::new(consumer));
        assert!(tokio::time::timeout(Duration::from_millis(1), bus.publish(order_expired())).await.is_err());
        next(&mut calls).await;
        next(&mut calls).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_one_full_queue_refuses_reaches_no_queue() {
        let bus = MemoryBus::new();
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        let (stuck, _) = ScriptedConsumer::new(Queue::Payment, move |_| {
            let gate = Arc::clone(&held);
            async move { gate.acquire().await.map(drop).map_err(|_| busy()) }
        });
        let (free, mut free_calls) = ScriptedConsumer::new(Queue::Inventory, |_| async { Ok(()) });
        bus.consume(Queue::Payment, Arc::new(stuck));
        let mut waiting: Vec<_> = (0..QUEUED_EVENTS_MAX).map(|_| bus.publish(order_expired())).collect();
        assert!(waiting.iter_mut().all(|publish| publish.now_or_never().is_none()));

        bus.consume(Queue::Inventory, Arc::new(free));
        let refused = bus.publish(order_expired()).await;
        assert!(matches!(refused, Err(PublishError::QueueFull("payment_events"))), "{refused:?}");
        assert!(free_calls.try_recv().is_err(), "a refused event was delivered to one queue");
        bus.publish(order_completed()).await.unwrap(); // Payment does not subscribe to it.

        gate.add_permits(1);
        futures::future::join_all(waiting).await;
        bus.publish(order_expired()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_pauses_does_not_delay_others() {
        let bus = MemoryBus::new();
        let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |attempts| async move {
            if attempts < CONCURRENT_EVENTS_MAX { Err(busy()) } else { Ok(()) }
        });
        bus.consume(Queue::Payment, Arc::new(consumer));
        let mut failing: Vec<_> = (0..CONCURRENT_EVENTS_MAX).map(|_| bus.publish(order_expired())).collect();
        assert!(failing.iter_mut().all(|publish| publish.now_or_never().is_none()));
        for _ in 0..CONCURRENT_EVENTS_MAX {
            next(&mut calls).await;
        }
        let before = Instant::now();
        bus.publish(order_expired()).await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn close_waits_for_consumers_and_ends_pauses() {
        let bus = Arc::new(MemoryBus::new());
        let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |attempts| async move {
            if attempts == 0 {
                return Err(busy());
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
        next(&mut calls).await;
        let consumed = publish(order_expired());
        next(&mut calls).await;
        let before = Instant::now();
        bus.close().await;
        assert_eq!(before.elapsed(), Duration::from_secs(2));
        assert!(matches!(retrying.await.unwrap(), Err(PublishError::Closed)));
        assert!(consumed.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn close_waits_at_most_five_seconds() {
        let bus = MemoryBus::new();
        let (consumer, mut calls) = ScriptedConsumer::new(Queue::Payment, |_| std::future::pending());
        bus.consume(Queue::Payment, Arc::new(consumer));
        let mut publish = bus.publish(order_expired());
        assert!((&mut publish).now_or_never().is_none());
        assert!(matches!(next(&mut calls).await, Call::Consume(Queue::Payment, _)));
        let before = Instant::now();
        bus.close().await;
        assert_eq!(before.elapsed(), Duration::from_secs(5));
    }
}
