//! One outbox, step by step.

use bus::MemoryBus;
use contracts::{event::OrderExpired, ids::OrderId};
use db::Schema;
use tempfile::TempDir;

use super::*;
use crate::tests::databases;

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

async fn outbox(folder: &TempDir) -> OutboxPublisher {
    let db = databases(folder).open(&Schema { service: "order", migrations: &[] }).await.unwrap();
    OutboxPublisher::new(OutboxContext {
        service: "order",
        db,
        bus: Arc::new(MemoryBus::new()),
        clock: Clock::manual(NOW),
        lease_holder: "a process".into(),
        progress: Arc::default(),
    })
}

fn order_expired() -> OrderExpired {
    OrderExpired { order_id: OrderId::new(NOW), order_version: 2, cups: 0 }
}

fn event() -> CloudEvent {
    CloudEvent::new(&order_expired(), NOW).unwrap()
}

fn page(events: Vec<CloudEvent>) -> Step {
    Step::PageRead(Ok(Unpublished { events, ..Unpublished::default() }))
}

impl OutboxPublisher {
    async fn append(&self, events: u32, at: Timestamp) {
        let append = move |tx: &mut db::Tx<'_>| (0..events).try_for_each(|_| outbox::append(tx, &order_expired(), at));
        self.context.db.write::<_, DbError, _>(append).await.unwrap();
    }

    async fn unpublished(&self) -> Vec<CloudEvent> {
        let all = |tx: &mut db::Tx<'_>| outbox::unpublished(tx, None, Timestamp(i64::MAX), 2 * PAGE_EVENTS_MAX);
        self.context.db.read::<_, DbError, _>(all).await.unwrap().events
    }

    /// Reads up to so many pages, and returns what the sweeper found in the first that had something to publish.
    async fn sweep(&mut self, pages: u32) -> Vec<EventId> {
        for _ in 0..pages {
            self.read_page();
            while self.sweeper.is_reading() {
                let step = self.steps.next().await.unwrap();
                self.handle(step);
            }
            if self.sweeper.has_found() {
                break;
            }
        }
        self.sweeper.found_ids()
    }
}

#[tokio::test]
async fn the_sweeper_leaves_alone_what_is_in_flight() {
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    let (in_flight, lost) = (event(), event());
    outbox.publish(Arc::new(in_flight.clone()));
    outbox.sweeper.start_page(NOW);
    outbox.handle(page(vec![in_flight.clone()]));
    assert!(!outbox.sweeper.is_reading(), "there is nothing that needs the lease");
    outbox.handle(Step::Leased(Ok(Some(vec![in_flight, lost.clone()]))));
    assert_eq!(outbox.sweeper.found_ids(), [lost.id]);
}

#[tokio::test]
async fn the_sweeper_leaves_alone_what_was_marked_while_it_read() {
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    let event = event();
    outbox.publish(Arc::new(event.clone()));
    outbox.sweeper.start_page(NOW);
    outbox.handle(Step::Published(event.id, Ok(())));
    outbox.handle(Step::Marked(Arc::new(vec![event.id]), Ok(())));
    outbox.handle(page(vec![event]));
    assert!(outbox.sweeper.found_ids().is_empty() && !outbox.sweeper.is_reading());
}

#[tokio::test]
async fn an_event_that_stays_unpublished_hides_no_others_from_the_sweeper() {
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    outbox.append(PAGE_EVENTS_MAX + 1, NOW).await;
    let events = outbox.unpublished().await;
    let (last, stuck) = events.split_last().unwrap();
    for event in stuck {
        outbox.in_flight.insert(event.id);
    }
    assert_eq!(outbox.sweep(3).await, [last.id]);
}

#[tokio::test]
async fn the_sweeper_leaves_alone_what_was_just_appended() {
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    outbox.sweeper = Sweeper::started();
    outbox.append(1, NOW).await;
    assert!(outbox.sweep(4).await.is_empty());
    outbox.context.clock.advance(Duration::from_secs(3));
    assert_eq!(outbox.sweep(4).await.len(), 1);
}

#[tokio::test]
async fn events_dated_by_a_clock_that_was_set_back_are_swept() {
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    outbox.sweeper = Sweeper::started();
    outbox.append(1, NOW + A_YEAR).await;
    assert_eq!(outbox.sweep(2).await.len(), 1);
}

#[tokio::test]
async fn a_lease_taken_by_a_clock_that_was_set_back_does_not_stop_the_sweeper() {
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    let a_year_ahead =
        |tx: &mut db::Tx<'_>| outbox::acquire_lease(tx, "a killed process", NOW + A_YEAR + LEASE, NOW + A_YEAR);
    assert!(outbox.context.db.write::<_, DbError, _>(a_year_ahead).await.unwrap());
    outbox.append(1, NOW).await;
    assert_eq!(outbox.sweep(1).await.len(), 1);
}

#[tokio::test]
async fn two_processes_do_not_sweep_one_database() {
    let folder = TempDir::new().unwrap();
    let mut first = outbox(&folder).await;
    let mut second = outbox(&folder).await;
    second.context.lease_holder = "another process".into();
    for outbox in [&mut first, &mut second] {
        outbox.acquire_lease(vec![event()]);
        let step = outbox.steps.next().await.unwrap();
        outbox.handle(step);
    }
    assert_eq!((first.sweeper.found_ids().len(), second.sweeper.found_ids().len()), (1, 0));
}

#[tokio::test]
async fn the_backlog_is_measured_by_number_and_age() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let folder = TempDir::new().unwrap();
    let mut outbox = outbox(&folder).await;
    let mut measured = async || {
        outbox.measure();
        let step = outbox.steps.next().await.unwrap();
        outbox.handle(step);
        outbox.append(3, NOW).await;
        outbox.context.clock.advance(Duration::from_millis(1_500));
        metrics.render()
    };
    let empty = measured().await;
    assert!(empty.contains("outbox_unpublished_events{service=\"order\"} 0"), "{empty}");
    assert!(empty.contains("outbox_oldest_event_age_seconds{service=\"order\"} 0"), "{empty}");
    let filled = measured().await;
    assert!(filled.contains("outbox_unpublished_events{service=\"order\"} 3"), "{filled}");
    assert!(filled.contains("outbox_oldest_event_age_seconds{service=\"order\"} 1.5"), "{filled}");
}
