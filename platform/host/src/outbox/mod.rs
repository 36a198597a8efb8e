//! Publishes the events of a service's outbox: as soon as they are committed, and again if they were not confirmed.
//!
//! One task for each database. It gives events to the bus, many at once, and marks those that the bus confirmed, many
//! in one write. The same task sweeps: it looks for events that are unpublished after a while, and publishes them if
//! this process holds the lease. Events that are in flight are left alone.

mod in_flight;
mod marking;
mod progress;
mod sweeper;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bus::{Bus, PublishError};
use clock::Clock;
use contracts::{event::CloudEvent, ids::EventId, time::Timestamp};
use db::{
    Db, DbError, DbResult,
    outbox::{self, Backlog, Unpublished},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use metrics::{Gauge, gauge};
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::repeated_error::RepeatedError;

use in_flight::InFlight;
use marking::{Batch, GATHER_PAUSE, Marking};
use sweeper::{PAGE_EVENTS_MAX, Page, Sweeper};

pub(crate) use progress::Progress;

/// How long the sweeper's lease lasts. A sweeper that was killed is replaced after this.
const LEASE: Duration = Duration::from_secs(10);
/// How often slow events are counted.
const SLOW_COUNT_PAUSE: Duration = Duration::from_secs(1);
/// How often the backlog is measured: a few times for each scrape of `/metrics`.
const MEASURE_PAUSE: Duration = Duration::from_secs(5);

/// What an outbox needs.
#[derive(Clone)]
pub(crate) struct OutboxContext {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Clock,
    /// The holder of the sweeper's lease: this process.
    pub(crate) lease_holder: Arc<str>,
    pub(crate) progress: Arc<Progress>,
}

/// Publishes the events of one outbox.
struct OutboxPublisher {
    context: OutboxContext,
    in_flight: InFlight,
    marking: Marking,
    sweeper: Sweeper,
    gauges: BacklogGauges,
    publish_failure: RepeatedError,
    mark_failure: RepeatedError,
    sweep_failure: RepeatedError,
    steps: FuturesUnordered<BoxFuture<'static, Step>>,
}

/// Work that was started and has ended.
enum Step {
    Published(EventId, Result<(), PublishError>),
    /// It is time to mark the events that were gathered.
    Gathered,
    Marked(Arc<Vec<EventId>>, DbResult<()>),
    PageRead(DbResult<Unpublished>),
    /// The events of a page, if this process holds the lease.
    Leased(DbResult<Option<Vec<CloudEvent>>>),
    Measured(DbResult<Backlog>),
}

struct BacklogGauges {
    events: Gauge,
    oldest_age: Gauge,
}

/// Publishes until the shutdown, and then finishes what is in flight.
pub(crate) async fn run(context: OutboxContext, shutdown: CancellationToken) {
    let mut committed = context.db.take_committed_events();
    if committed.is_none() {
        tracing::error!(
            service = context.service,
            "another task takes the committed events; only the sweeper publishes"
        );
    }
    let mut publisher = OutboxPublisher::new(context);
    let (mut slow_count, mut measure) = (delayed_interval(SLOW_COUNT_PAUSE), delayed_interval(MEASURE_PAUSE));
    loop {
        publisher.start_due_work();
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(step) = publisher.steps.next() => publisher.handle(step),
            event = next(&mut committed), if publisher.accepts_committed() => match event {
                Some(event) => publisher.publish(event),
                None => committed = None,
            },
            _ = slow_count.tick() => publisher.in_flight.count_slow(),
            _ = measure.tick() => publisher.measure(),
            () = publisher.sweeper.next_page(), if publisher.sweeper.is_idle() => publisher.read_page(),
        }
    }
    publisher.finish().await;
}

/// The next committed event, or never if there will be none.
async fn next(committed: &mut Option<mpsc::Receiver<Arc<CloudEvent>>>) -> Option<Arc<CloudEvent>> {
    match committed {
        Some(committed) => committed.recv().await,
        None => std::future::pending().await,
    }
}

fn delayed_interval(pause: Duration) -> Interval {
    let mut interval = interval(pause);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl OutboxPublisher {
    fn new(context: OutboxContext) -> Self {
        Self {
            in_flight: InFlight::default(),
            marking: Marking::default(),
            sweeper: Sweeper::new(),
            gauges: BacklogGauges::of(context.service),
            publish_failure: RepeatedError::default(),
            mark_failure: RepeatedError::default(),
            sweep_failure: RepeatedError::default(),
            steps: FuturesUnordered::new(),
            context,
        }
    }

    /// Events that the sweeper found go first: they are older.
    fn accepts_committed(&self) -> bool {
        !self.sweeper.has_found() && self.in_flight.has_capacity()
    }

    fn start_due_work(&mut self) {
        while self.in_flight.has_capacity() {
            let Some(event) = self.sweeper.pop_found() else { break };
            self.publish(Arc::new(event));
        }
        if self.marking.is_due() {
            self.marking.start_gathering();
            self.steps.push(tokio::time::sleep(GATHER_PAUSE).map(|()| Step::Gathered).boxed());
        }
    }

    fn publish(&mut self, event: Arc<CloudEvent>) {
        if !self.in_flight.insert(event.id) {
            return;
        }
        let bus = Arc::clone(&self.context.bus);
        self.steps.push(async move { Step::Published(event.id, bus.publish(Arc::clone(&event)).await) }.boxed());
    }

    fn write_marks(&mut self) {
        let Batch { events, published_at } = self.marking.start_write();
        self.context.progress.start_mark();
        let (db, events) = (self.context.db.clone(), Arc::new(events));
        let mark = async move {
            let marked = Arc::clone(&events);
            let write =
                db.write_deferred::<(), DbError, _>(move |tx| outbox::mark_published(tx, &marked, published_at));
            let written = write.await;
            Step::Marked(events, written)
        };
        self.steps.push(mark.boxed());
    }

    fn read_page(&mut self) {
        self.marking.resume();
        let Page { after, before } = self.sweeper.start_page(self.context.clock.now());
        let db = self.context.db.clone();
        let read = async move {
            let page = move |tx: &mut db::Tx<'_>| outbox::unpublished(tx, after, before, PAGE_EVENTS_MAX);
            Step::PageRead(db.read::<_, DbError, _>(page).await)
        };
        self.steps.push(read.boxed());
    }

    /// Takes the lease, which is needed only if there is something to publish: an idle shop writes nothing.
    fn acquire_lease(&mut self, events: Vec<CloudEvent>) {
        let OutboxContext { db, clock, lease_holder, .. } = self.context.clone();
        let lease = async move {
            let now = clock.now();
            let acquire = move |tx: &mut db::Tx<'_>| outbox::acquire_lease(tx, &lease_holder, now + LEASE, now);
            let acquired = db.write::<bool, DbError, _>(acquire).await;
            Step::Leased(acquired.map(|is_ours| is_ours.then_some(events)))
        };
        self.steps.push(lease.boxed());
    }

    fn measure(&mut self) {
        let db = self.context.db.clone();
        self.steps.push(async move { Step::Measured(db.read::<_, DbError, _>(outbox::backlog).await) }.boxed());
    }

    fn handle(&mut self, step: Step) {
        match step {
            Step::Published(event, published) => self.published(event, published),
            Step::Gathered => self.write_marks(),
            Step::Marked(events, marked) => self.marked(&events, marked),
            Step::PageRead(Ok(page)) => self.page_read(page),
            Step::Leased(Ok(Some(events))) => {
                self.sweep_failure.resolved();
                let events = self.not_in_flight(events);
                self.sweeper.take(events);
            }
            // Another process sweeps.
            Step::Leased(Ok(None)) => {
                self.sweep_failure.resolved();
                self.sweeper.restart();
            }
            Step::PageRead(Err(error)) | Step::Leased(Err(error)) => {
                if let Some(error) = self.sweep_failure.changed(&error) {
                    tracing::warn!(service = self.context.service, error, "outbox not swept; it is retried");
                }
                self.sweeper.restart();
            }
            Step::Measured(Ok(backlog)) => self.gauges.set(&backlog, self.context.clock.now()),
            Step::Measured(Err(error)) => {
                let error = errors::chain(&error);
                tracing::debug!(service = self.context.service, %error, "outbox backlog not measured");
            }
        }
    }

    fn published(&mut self, event: EventId, published: Result<(), PublishError>) {
        match published {
            Ok(()) => {
                self.marking.confirm(event, self.context.clock.now());
                self.publish_failure.resolved();
            }
            Err(error) => {
                self.in_flight.remove(event);
                if let Some(error) = self.publish_failure.changed(&error) {
                    tracing::warn!(service = self.context.service, %event, error, "event not published; it is retried");
                }
            }
        }
    }

    fn marked(&mut self, events: &[EventId], marked: DbResult<()>) {
        match marked {
            Ok(()) => {
                self.mark_failure.resolved();
                self.marking.written();
                events.iter().for_each(|event| self.in_flight.remove(*event));
                self.sweeper.marked(events);
            }
            Err(error) => {
                if let Some(error) = self.mark_failure.changed(&error) {
                    tracing::warn!(service = self.context.service, error, "published events not marked; it is retried");
                }
                self.marking.failed(events);
            }
        }
    }

    fn page_read(&mut self, page: Unpublished) {
        self.sweeper.log_unreadable(self.context.service, page.unreadable);
        let events = self.not_in_flight(page.events);
        self.sweeper.page_read(page.next, !events.is_empty());
        if !events.is_empty() {
            return self.acquire_lease(events);
        }
        self.sweep_failure.resolved();
        self.sweeper.finish_page();
    }

    /// The events that are not in flight in this process, and that it did not publish a moment ago.
    fn not_in_flight(&self, mut events: Vec<CloudEvent>) -> Vec<CloudEvent> {
        events.retain(|event| !self.in_flight.contains(event.id) && !self.sweeper.was_marked_meanwhile(event.id));
        events
    }

    /// Starts nothing new, waits for what is in flight (the host bounds the wait), and marks what was confirmed.
    async fn finish(mut self) {
        while let Some(step) = self.steps.next().await {
            match step {
                Step::Published(event, published) => self.published(event, published),
                Step::Marked(events, marked) => self.marked(&events, marked),
                Step::Gathered => self.write_marks(),
                Step::PageRead(_) | Step::Leased(_) | Step::Measured(_) => {}
            }
            if self.marking.is_due() {
                self.write_marks();
            }
        }
    }
}

impl BacklogGauges {
    fn of(service: &'static str) -> Self {
        Self {
            events: gauge!("outbox_unpublished_events", "service" => service),
            oldest_age: gauge!("outbox_oldest_event_age_seconds", "service" => service),
        }
    }

    fn set(&self, backlog: &Backlog, now: Timestamp) {
        self.events.set(f64::from(u32::try_from(backlog.events).unwrap_or(u32::MAX)));
        // Negative if the clock was set back.
        let age_micros = backlog.oldest_appended_at.map_or(0, |oldest| now.0.saturating_sub(oldest.0));
        self.oldest_age.set(Duration::from_micros(u64::try_from(age_micros).unwrap_or(0)).as_secs_f64());
    }
}
