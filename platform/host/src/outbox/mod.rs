//! Events leave a service's outbox: as soon as they are committed, and again if they were not confirmed.
//!
//! One task for each database. It hands events to the bus, many at once, and marks those that the bus confirmed, many
//! in one write. The same task sweeps: it walks over what is still unpublished after a while (its bus was full, a
//! process was killed), if this process has the lease. What it has in hand already it leaves alone.
//!
//! The first walks, after a start, take whatever is unpublished, however old it says it is: a small computer without a
//! hardware clock may start in the past. What is said twice by that is absorbed by what is in hand, and by the inbox.
//!
//! One sick consumer does not stop the others. A walk goes on after what it read last, so that what stays unpublished
//! hides nothing. And an event that the bus has had for a while without an answer (its consumer attempts again, or its
//! database is away) is *slow*: up to a bound, which is as many as a queue of the bus holds, slow events take no place
//! from those that flow. Beyond that the sick queue is full, the bus refuses at once what that queue hears, and that
//! waits in the outbox.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus::{Bus, PublishError, QUEUED_EVENTS_MAX};
use clock::Clock;
use contracts::{event::CloudEvent, ids::EventId, time::Timestamp};
use db::{
    Db, DbError, DbResult,
    outbox::{self, OutboxCursor, Unpublished},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, Sleep, interval},
};

use tokio_util::sync::CancellationToken;

/// How many events of one outbox are handed to the bus and not marked yet, beside the slow ones. More wait.
const IN_HAND_EVENTS_MAX: usize = 2_048;
/// How many slow events take no place from others: all that one sick queue can hold.
const SLOW_EVENTS_MAX: usize = QUEUED_EVENTS_MAX;
/// An event that the bus has for this long is slow: consumers that are well take milliseconds.
const SLOW_AGE: Duration = Duration::from_secs(2);
/// How often slow events are counted.
const SLOW_COUNT_PAUSE: Duration = Duration::from_secs(1);
/// How many events are marked as published in one write. Larger writes would hold up those of the service.
const MARKED_EVENTS_MAX: usize = 256;
/// How long confirmed events are gathered for one write. Each write is a flush of the disk that a cashier's request
/// would wait for; a mark that is lost costs one event said twice, which the inbox absorbs.
const MARK_PAUSE: Duration = Duration::from_millis(20);
/// How many events the sweeper reads at once.
const SWEPT_EVENTS_MAX: u32 = 500;
/// An event that is unpublished for this long was not just written.
const SWEEP_AGE: Duration = Duration::from_secs(2);
/// The pause between two sweeps.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// The pause between two sweeps of one walk.
const SWEEP_MORE_PAUSE: Duration = Duration::from_millis(50);
/// How many events that cannot be read the log names: a person has begun to look by then.
const UNREADABLE_EVENTS_MAX: usize = 100;
/// How long the lease holds. A sweeper that died is replaced after this.
const LEASE: Duration = Duration::from_secs(10);

/// What every outbox of a host tells the one who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    marks_begun: AtomicU64,
}

impl Progress {
    /// Grows before any event is marked as published.
    pub(crate) fn marks_begun(&self) -> u64 {
        self.marks_begun.load(Ordering::SeqCst)
    }
}

/// What an outbox works with.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Clock,
    /// Who sweeps: this process.
    pub(crate) holder: Arc<str>,
    pub(crate) progress: Arc<Progress>,
}

struct Outbox {
    ports: Ports,
    /// Handed to the bus, when, and not marked as published yet.
    in_hand: HashMap<EventId, Instant>,
    /// How many of those were slow when they were counted last, up to [`SLOW_EVENTS_MAX`].
    slow: usize,
    slow_count: Interval,
    /// Swept, and waiting to be handed to the bus.
    swept: VecDeque<CloudEvent>,
    /// Confirmed by the bus, and waiting to be marked.
    confirmed: Vec<EventId>,
    /// When the last of them was.
    confirmed_at: Timestamp,
    marking: Marking,
    /// What was marked while a sweep was under way: the sweep may have read it before.
    marked_meanwhile: HashSet<EventId>,
    is_sweeping: bool,
    walk: Walk,
    next_sweep: Pin<Box<Sleep>>,
    /// Whether there may be events of an earlier process, of which the time says nothing.
    is_starting: bool,
    /// Those that cannot be read, to say it once.
    unreadable: HashSet<EventId>,
    /// Why the bus refused the last event, to say it once.
    refusal: Option<String>,
    steps: FuturesUnordered<BoxFuture<'static, Step>>,
}

/// A walk over what is unpublished: one sweep after the other, each from where the last one ended.
#[derive(Debug, Default)]
struct Walk {
    /// `None`: it begins, or the last sweep read all that there was.
    after: Option<OutboxCursor>,
    /// Whether it found any that this process has not in hand.
    found_any: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Marking {
    Idle,
    /// More are waited for, to be marked in the same write.
    Gathering,
    UnderWay,
    /// It failed: again after the next sweep.
    Paused,
}

/// Something that was begun is done.
enum Step {
    /// Time to mark what was confirmed meanwhile.
    Gathered,
    Published(EventId, Result<(), PublishError>),
    Marked(Arc<Vec<EventId>>, DbResult<()>),
    /// What is due.
    Due(DbResult<Unpublished>),
    /// What is due, if this process is the one that sweeps.
    Leased(DbResult<Option<Vec<CloudEvent>>>),
}

/// Publishes what is appended, and what is left over, until the stop; then sees to what is under way.
pub(crate) async fn run(ports: Ports, shutdown: CancellationToken) {
    let mut appended = ports.db.take_committed_events();
    if appended.is_none() {
        tracing::error!(service = ports.service, "the outbox is taken already: its events leave by the sweeper alone");
    }
    let mut outbox = Outbox::new(ports);
    loop {
        outbox.go_on();
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(step) = outbox.steps.next() => outbox.take(step),
            event = next(&mut appended), if outbox.has_room() => match event {
                Some(event) => outbox.publish(event),
                None => appended = None,
            },
            _ = outbox.slow_count.tick() => outbox.count_slow(),
            () = &mut outbox.next_sweep, if !outbox.is_sweeping && outbox.swept.is_empty() => outbox.sweep(),
        }
    }
    outbox.finish().await;
}

/// The next appended event; never, where there is none to come.
async fn next(appended: &mut Option<mpsc::Receiver<Arc<CloudEvent>>>) -> Option<Arc<CloudEvent>> {
    match appended {
        Some(appended) => appended.recv().await,
        None => std::future::pending().await,
    }
}

impl Outbox {
    fn new(ports: Ports) -> Self {
        let mut slow_count = interval(SLOW_COUNT_PAUSE);
        slow_count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ports,
            in_hand: HashMap::new(),
            slow: 0,
            slow_count,
            swept: VecDeque::new(),
            confirmed: Vec::new(),
            confirmed_at: Timestamp::default(),
            marking: Marking::Idle,
            marked_meanwhile: HashSet::new(),
            is_sweeping: false,
            walk: Walk::default(),
            next_sweep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            is_starting: true,
            unreadable: HashSet::new(),
            refusal: None,
            steps: FuturesUnordered::new(),
        }
    }

    fn has_room(&self) -> bool {
        self.swept.is_empty() && self.has_place()
    }

    /// Whether one more may be handed to the bus. Those that are slow take no place.
    fn has_place(&self) -> bool {
        self.in_hand.len().saturating_sub(self.slow) < IN_HAND_EVENTS_MAX
    }

    fn count_slow(&mut self) {
        let slow = self.in_hand.values().filter(|handed_at| handed_at.elapsed() >= SLOW_AGE).count();
        self.slow = slow.min(SLOW_EVENTS_MAX);
    }

    /// Begins what can be begun.
    fn go_on(&mut self) {
        while self.has_place() {
            let Some(event) = self.swept.pop_front() else { break };
            self.publish(Arc::new(event));
        }
        if self.marking == Marking::Idle && !self.confirmed.is_empty() {
            self.marking = Marking::Gathering;
            self.steps.push(tokio::time::sleep(MARK_PAUSE).map(|()| Step::Gathered).boxed());
        }
    }

    fn publish(&mut self, event: Arc<CloudEvent>) {
        let Entry::Vacant(place) = self.in_hand.entry(event.id) else { return };
        place.insert(Instant::now());
        let bus = Arc::clone(&self.ports.bus);
        self.steps.push(async move { Step::Published(event.id, bus.publish(Arc::clone(&event)).await) }.boxed());
    }

    /// Marks what is confirmed, in one write. What is confirmed meanwhile is the next write's.
    fn mark(&mut self) {
        let rest = self.confirmed.split_off(self.confirmed.len().min(MARKED_EVENTS_MAX));
        let ids = Arc::new(std::mem::replace(&mut self.confirmed, rest));
        self.marking = Marking::UnderWay;
        self.ports.progress.marks_begun.fetch_add(1, Ordering::SeqCst);
        let (db, at) = (self.ports.db.clone(), self.confirmed_at);
        let mark = async move {
            let marked = Arc::clone(&ids);
            let done = db.write_deferred::<(), DbError, _>(move |tx| outbox::mark_published(tx, &marked, at)).await;
            Step::Marked(ids, done)
        };
        self.steps.push(mark.boxed());
    }

    fn sweep(&mut self) {
        self.is_sweeping = true;
        if self.marking == Marking::Paused {
            self.marking = Marking::Idle;
        }
        let older_than = if self.is_starting { Timestamp(i64::MAX) } else { self.ports.clock.now() - SWEEP_AGE };
        let (db, after) = (self.ports.db.clone(), self.walk.after);
        let read = async move {
            let due = move |tx: &mut db::Tx<'_>| outbox::unpublished(tx, after, older_than, SWEPT_EVENTS_MAX);
            Step::Due(db.read::<_, DbError, _>(due).await)
        };
        self.steps.push(read.boxed());
    }

    /// Takes the lease only where there is something to sweep: an idle shop writes nothing.
    fn lease(&mut self, due: Vec<CloudEvent>) {
        let Ports { db, clock, holder, .. } = self.ports.clone();
        let lease = async move {
            let now = clock.now();
            let taken =
                db.write::<bool, DbError, _>(move |tx| outbox::acquire_lease(tx, &holder, now + LEASE, now)).await;
            Step::Leased(taken.map(|is_ours| is_ours.then_some(due)))
        };
        self.steps.push(lease.boxed());
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Published(id, published) => self.published(id, published),
            Step::Gathered => self.mark(),
            Step::Marked(ids, marked) => self.marked(&ids, marked),
            Step::Due(Ok(due)) => self.due(due),
            Step::Leased(Ok(Some(due))) => {
                self.swept = self.strange(due).into();
                self.is_swept();
            }
            Step::Leased(Ok(None)) => self.walk_anew(),
            Step::Due(Err(error)) | Step::Leased(Err(error)) => {
                tracing::warn!(service = self.ports.service, %error, "the outbox could not be swept; trying again");
                self.walk_anew();
            }
        }
    }

    fn published(&mut self, id: EventId, published: Result<(), PublishError>) {
        match published {
            Ok(()) => {
                self.confirmed.push(id);
                self.confirmed_at = self.ports.clock.now();
                self.refusal = None;
            }
            Err(error) => {
                self.in_hand.remove(&id);
                let refusal = error.to_string();
                if self.refusal.as_ref() != Some(&refusal) {
                    tracing::warn!(service = self.ports.service, event = %id, %error, "event not published");
                }
                self.refusal = Some(refusal);
            }
        }
    }

    fn marked(&mut self, ids: &[EventId], marked: DbResult<()>) {
        match marked {
            Ok(()) => {
                self.marking = Marking::Idle;
                for id in ids {
                    self.in_hand.remove(id);
                }
                if self.is_sweeping {
                    self.marked_meanwhile.extend(ids);
                }
            }
            Err(error) => {
                tracing::warn!(service = self.ports.service, %error, "published events could not be marked; trying again");
                self.marking = Marking::Paused;
                self.confirmed.extend(ids);
            }
        }
    }

    fn due(&mut self, due: Unpublished) {
        self.walk.after = due.next;
        self.say_unreadable(due.unreadable);
        let strange = self.strange(due.events);
        self.walk.found_any |= !strange.is_empty();
        if strange.is_empty() { self.is_swept() } else { self.lease(strange) }
    }

    /// Says of each event that cannot be read, once, that a person must look. It stays unpublished.
    fn say_unreadable(&mut self, events: Vec<(EventId, DbError)>) {
        for (event, error) in events {
            if self.unreadable.len() < UNREADABLE_EVENTS_MAX && self.unreadable.insert(event) {
                tracing::error!(service = self.ports.service, %event, %error, "event cannot be read, and is not sent");
            }
        }
    }

    /// Those that this process has not in hand and did not publish a moment ago.
    fn strange(&self, mut events: Vec<CloudEvent>) -> Vec<CloudEvent> {
        events.retain(|event| !self.in_hand.contains_key(&event.id) && !self.marked_meanwhile.contains(&event.id));
        events
    }

    /// The sweep is over. The next one goes on with the walk; after its end a new walk begins.
    fn is_swept(&mut self) {
        if self.walk.after.is_some() {
            return self.sweep_after(SWEEP_MORE_PAUSE);
        }
        // A start is over once a whole walk finds nothing that is not in hand: what the bus refused is found again.
        self.is_starting &= self.walk.found_any;
        self.walk_anew();
    }

    fn walk_anew(&mut self) {
        self.walk = Walk::default();
        self.sweep_after(SWEEP_PAUSE);
    }

    fn sweep_after(&mut self, pause: Duration) {
        self.is_sweeping = false;
        self.marked_meanwhile.clear();
        self.next_sweep.as_mut().reset(Instant::now() + pause);
    }

    /// Takes nothing new; waits for what the bus has in hand (the host bounds it), and marks what it confirmed.
    async fn finish(mut self) {
        while let Some(step) = self.steps.next().await {
            match step {
                Step::Published(id, published) => self.published(id, published),
                Step::Marked(ids, marked) => self.marked(&ids, marked),
                Step::Gathered => self.mark(),
                Step::Due(_) | Step::Leased(_) => {}
            }
            if self.marking == Marking::Idle && !self.confirmed.is_empty() {
                self.mark();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bus::MemoryBus;
    use contracts::{event::OrderExpired, ids::OrderId};
    use db::Schema;
    use tempfile::TempDir;

    use super::*;
    use crate::tests::databases;

    async fn outbox(folder: &TempDir) -> Outbox {
        let db = databases(folder).open(&Schema { service: "order", migrations: &[] }).await.unwrap();
        Outbox::new(Ports {
            service: "order",
            db,
            bus: Arc::new(MemoryBus::new()),
            clock: Clock::manual(Timestamp(0)),
            holder: "a process".into(),
            progress: Arc::default(),
        })
    }

    fn event() -> CloudEvent {
        CloudEvent::new(&OrderExpired { order_id: OrderId::new(Timestamp(0)), order_version: 2, cups: 0 }, Timestamp(0))
            .unwrap()
    }

    fn found(events: Vec<CloudEvent>) -> Unpublished {
        Unpublished { events, ..Unpublished::default() }
    }

    #[tokio::test]
    async fn a_sweep_leaves_alone_what_the_bus_has_in_hand() {
        let folder = TempDir::new().unwrap();
        let mut outbox = outbox(&folder).await;
        let (slow, left) = (event(), event());
        outbox.publish(Arc::new(slow.clone()));
        outbox.is_sweeping = true;
        outbox.take(Step::Due(Ok(found(vec![slow.clone()]))));
        assert!(!outbox.is_sweeping, "there was nothing to take the lease for");
        outbox.take(Step::Leased(Ok(Some(vec![slow, left.clone()]))));
        assert_eq!(outbox.swept.iter().map(|event| event.id).collect::<Vec<_>>(), [left.id]);
    }

    #[tokio::test]
    async fn a_sweep_leaves_alone_what_was_marked_after_it_had_read() {
        let folder = TempDir::new().unwrap();
        let mut outbox = outbox(&folder).await;
        let event = event();
        outbox.publish(Arc::new(event.clone()));
        outbox.is_sweeping = true;
        outbox.take(Step::Published(event.id, Ok(())));
        outbox.take(Step::Marked(Arc::new(vec![event.id]), Ok(())));
        outbox.take(Step::Due(Ok(found(vec![event]))));
        assert!(outbox.swept.is_empty() && !outbox.is_sweeping);
    }

    #[tokio::test]
    async fn what_stays_unpublished_hides_nothing_from_the_sweep() {
        let folder = TempDir::new().unwrap();
        let mut outbox = outbox(&folder).await;
        let say = |tx: &mut db::Tx<'_>| {
            let order = OrderExpired { order_id: OrderId::new(Timestamp(0)), order_version: 2, cups: 0 };
            (0..=SWEPT_EVENTS_MAX).try_for_each(|_| outbox::append(tx, &order, Timestamp(0)))
        };
        outbox.ports.db.write::<_, DbError, _>(say).await.unwrap();
        let all = |tx: &mut db::Tx<'_>| outbox::unpublished(tx, None, Timestamp(i64::MAX), SWEPT_EVENTS_MAX + 1);
        let all = outbox.ports.db.read::<_, DbError, _>(all).await.unwrap();
        let (last, stuck) = all.events.split_last().unwrap();
        outbox.in_hand.extend(stuck.iter().map(|event| (event.id, Instant::now())));
        for _ in 0..3 {
            outbox.sweep();
            while outbox.is_sweeping {
                let step = outbox.steps.next().await.unwrap();
                outbox.take(step);
            }
            if !outbox.swept.is_empty() {
                break;
            }
        }
        assert_eq!(outbox.swept.iter().map(|event| event.id).collect::<Vec<_>>(), [last.id]);
    }

    #[tokio::test(start_paused = true)]
    async fn events_that_a_sick_consumer_keeps_take_no_place_from_others_up_to_a_bound() {
        let folder = TempDir::new().unwrap();
        let mut outbox = outbox(&folder).await;
        let fill = |outbox: &mut Outbox, events: usize| {
            outbox.in_hand.extend((0..events).map(|_| (EventId::new(Timestamp(0)), Instant::now())));
        };
        fill(&mut outbox, IN_HAND_EVENTS_MAX);
        outbox.count_slow();
        assert!(!outbox.has_room(), "they may flow yet");
        tokio::time::advance(SLOW_AGE).await;
        outbox.count_slow();
        assert!(outbox.has_room());
        fill(&mut outbox, SLOW_EVENTS_MAX);
        tokio::time::advance(SLOW_AGE).await;
        outbox.count_slow();
        assert!(!outbox.has_room(), "what is slow is bounded too");
    }

    #[tokio::test]
    async fn two_processes_do_not_sweep_one_database() {
        let folder = TempDir::new().unwrap();
        let mut first = outbox(&folder).await;
        let mut second = outbox(&folder).await;
        second.ports.holder = "another process".into();
        for outbox in [&mut first, &mut second] {
            outbox.lease(vec![event()]);
            let step = outbox.steps.next().await.unwrap();
            outbox.take(step);
        }
        assert_eq!((first.swept.len(), second.swept.len()), (1, 0));
    }
}
