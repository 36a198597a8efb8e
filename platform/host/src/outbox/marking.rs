//! Marks the events that the bus confirmed as published, many in one write.

use std::time::Duration;

use contracts::{ids::EventId, time::Timestamp};

/// How many events are marked in one write. Larger writes would delay those of the service.
const MARKED_EVENTS_MAX: usize = 256;
/// How long confirmed events are gathered for one write. Each write is a flush of the disk that a cashier's request
/// would wait for. A mark that is lost in a crash costs one event published twice, which the inbox absorbs.
pub(super) const GATHER_PAUSE: Duration = Duration::from_millis(20);

/// The confirmed events, and what happens to them now.
#[derive(Default)]
pub(super) struct Marking {
    confirmed: Vec<EventId>,
    last_confirmed_at: Timestamp,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// Waits for more events to mark in the same write.
    Gathering,
    Writing,
    /// The write failed. It is retried after the next scan of the sweeper.
    Paused,
}

/// Events to mark in one write.
pub(super) struct Batch {
    pub(super) events: Vec<EventId>,
    pub(super) published_at: Timestamp,
}

impl Marking {
    pub(super) fn confirm(&mut self, event: EventId, now: Timestamp) {
        self.confirmed.push(event);
        self.last_confirmed_at = now;
    }

    /// Whether there are events to mark, and no write is planned or under way.
    pub(super) fn is_due(&self) -> bool {
        self.state == State::Idle && !self.confirmed.is_empty()
    }

    /// Call [`Marking::start_write`] after [`GATHER_PAUSE`].
    pub(super) fn start_gathering(&mut self) {
        self.state = State::Gathering;
    }

    /// The next events to mark. Events that are confirmed from now on belong to the next write.
    pub(super) fn start_write(&mut self) -> Batch {
        self.state = State::Writing;
        let rest = self.confirmed.split_off(self.confirmed.len().min(MARKED_EVENTS_MAX));
        Batch { events: std::mem::replace(&mut self.confirmed, rest), published_at: self.last_confirmed_at }
    }

    pub(super) fn written(&mut self) {
        self.state = State::Idle;
    }

    pub(super) fn failed(&mut self, events: &[EventId]) {
        self.state = State::Paused;
        self.confirmed.extend(events);
    }

    /// Retries a write that failed.
    pub(super) fn resume(&mut self) {
        if self.state == State::Paused {
            self.state = State::Idle;
        }
    }
}
