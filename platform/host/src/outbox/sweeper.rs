//! Finds the events that were not published right after their commit: the bus was full, or the process was killed.
//!
//! A *scan* reads the unpublished events in pages, the oldest first, each page from where the last one ended, so that
//! an event that stays unpublished hides no others. The first scans after a start read everything that is unpublished,
//! whatever its time is: a small computer without a hardware clock may start in the past. Later scans read what is
//! overdue, and then what is dated in the future, which a clock wrote that ran ahead and was set back since. What is
//! published twice by that is absorbed by the inbox.

use std::{
    collections::{HashSet, VecDeque},
    pin::Pin,
    time::Duration,
};

use contracts::{event::CloudEvent, ids::EventId, time::Timestamp};
use db::{DbError, outbox::OutboxCursor};
use tokio::time::{Instant, Sleep};

/// How many events are read at once.
pub(super) const PAGE_EVENTS_MAX: u32 = 500;
/// An event that is unpublished for this long is overdue: it was not just written.
const OVERDUE_AGE: Duration = Duration::from_secs(2);
/// An event that is dated further ahead was dated by a clock that was set back since. The clocks of processes that share
/// a server differ by less.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(10);
/// The pause between two scans.
const SCAN_PAUSE: Duration = Duration::from_secs(1);
/// The pause between two pages of one scan.
const PAGE_PAUSE: Duration = Duration::from_millis(50);
/// How many events that cannot be read the log names: a person looks at them by then.
const UNREADABLE_EVENTS_LOGGED_MAX: usize = 100;

/// The state of the sweeper of one outbox.
pub(super) struct Sweeper {
    scan: Scan,
    is_reading: bool,
    next_page: Pin<Box<Sleep>>,
    /// Whether there may be events of an earlier process, whose times mean nothing.
    is_starting: bool,
    /// Events that were found, and wait for capacity to be published.
    found: VecDeque<CloudEvent>,
    /// What was marked as published while a page was read: the page may be older.
    marked_meanwhile: HashSet<EventId>,
    /// Events that cannot be read, to log each once.
    unreadable: HashSet<EventId>,
}

/// One pass over the unpublished events.
struct Scan {
    range: Range,
    /// The last event of the last page. `None`: the first page is next.
    after: Option<OutboxCursor>,
    /// Whether it found any that are not in flight in this process.
    found_any: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Everything,
    Overdue,
    /// Dated in the future.
    Future,
}

/// What to read next: the events after `after` that were appended before `before`.
pub(super) struct Page {
    pub(super) after: Option<OutboxCursor>,
    pub(super) before: Timestamp,
}

impl Sweeper {
    pub(super) fn new() -> Self {
        Self {
            scan: Scan::of(Range::Everything),
            is_reading: false,
            next_page: Box::pin(tokio::time::sleep(Duration::ZERO)),
            is_starting: true,
            found: VecDeque::new(),
            marked_meanwhile: HashSet::new(),
            unreadable: HashSet::new(),
        }
    }

    /// Whether nothing is being read, and everything that was found is in flight.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_reading && self.found.is_empty()
    }

    /// Returns when the next page is due.
    pub(super) fn next_page(&mut self) -> &mut Pin<Box<Sleep>> {
        &mut self.next_page
    }

    /// Starts to read a page.
    pub(super) fn start_page(&mut self, now: Timestamp) -> Page {
        self.is_reading = true;
        self.scan.page(now)
    }

    /// Notes that a page was read, and whether it has events that are not in flight.
    pub(super) fn page_read(&mut self, next: Option<OutboxCursor>, has_new: bool) {
        self.scan.after = next;
        self.scan.found_any |= has_new;
    }

    /// Takes the events of a page that this process may publish.
    pub(super) fn take(&mut self, events: Vec<CloudEvent>) {
        self.found = events.into();
        self.finish_page();
    }

    pub(super) fn pop_found(&mut self) -> Option<CloudEvent> {
        self.found.pop_front()
    }

    pub(super) fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// Ends a page. The scan goes on with its next page or its next range; after the last one a new scan starts.
    pub(super) fn finish_page(&mut self) {
        if self.scan.after.is_some() {
            return self.continue_after(PAGE_PAUSE);
        }
        match self.scan.range {
            Range::Overdue => {
                self.scan.range = Range::Future;
                self.continue_after(PAGE_PAUSE);
            }
            // The start is over when a whole scan finds nothing new: events that the bus refused are found again.
            Range::Everything | Range::Future => {
                self.is_starting &= self.scan.found_any;
                self.restart();
            }
        }
    }

    /// Starts a new scan after a pause.
    pub(super) fn restart(&mut self) {
        self.scan = Scan::of(if self.is_starting { Range::Everything } else { Range::Overdue });
        self.continue_after(SCAN_PAUSE);
    }

    fn continue_after(&mut self, pause: Duration) {
        self.is_reading = false;
        self.marked_meanwhile.clear();
        self.next_page.as_mut().reset(Instant::now() + pause);
    }

    pub(super) fn marked(&mut self, events: &[EventId]) {
        if self.is_reading {
            self.marked_meanwhile.extend(events);
        }
    }

    pub(super) fn was_marked_meanwhile(&self, event: EventId) -> bool {
        self.marked_meanwhile.contains(&event)
    }

    /// Logs each event that cannot be read, once: a person must look at it. It stays unpublished.
    pub(super) fn log_unreadable(&mut self, service: &str, events: Vec<(EventId, DbError)>) {
        for (event, error) in events {
            if self.unreadable.len() < UNREADABLE_EVENTS_LOGGED_MAX && self.unreadable.insert(event) {
                let error = errors::chain(&error);
                tracing::error!(service, %event, %error, "event cannot be read and is not published");
            }
        }
    }
}

impl Scan {
    fn of(range: Range) -> Self {
        Self { range, after: None, found_any: false }
    }

    fn page(&self, now: Timestamp) -> Page {
        match self.range {
            Range::Everything => Page { after: self.after, before: Timestamp(i64::MAX) },
            Range::Overdue => Page { after: self.after, before: now - OVERDUE_AGE },
            Range::Future => {
                let start = now + CLOCK_SKEW_MAX;
                let after = self.after.unwrap_or((start, EventId::first_at(Timestamp(0))));
                Page { after: Some(after), before: Timestamp(i64::MAX) }
            }
        }
    }
}

#[cfg(test)]
impl Sweeper {
    /// A sweeper whose first scans are over.
    pub(super) fn started() -> Self {
        Self { scan: Scan::of(Range::Overdue), is_starting: false, ..Self::new() }
    }

    pub(super) fn found_ids(&self) -> Vec<EventId> {
        self.found.iter().map(|event| event.id).collect()
    }

    pub(super) fn is_reading(&self) -> bool {
        self.is_reading
    }
}
