//! The events that were given to the bus and are not marked as published yet.
//!
//! One slow consumer does not stop the others. An event that the bus has had for a while without an answer (its
//! consumer retries, or its database is unavailable) is *slow*. Slow events take no capacity from the others, up to as
//! many as one queue of the bus holds. Beyond that the queue is full, the bus refuses at once the events that it
//! subscribes to, and they wait in the outbox.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use bus::QUEUED_EVENTS_MAX;
use contracts::ids::EventId;
use tokio::time::Instant;

/// How many events of one outbox are in flight at once, besides the slow ones.
const IN_FLIGHT_EVENTS_MAX: usize = 2_048;
/// How many slow events take no capacity: as many as one queue holds.
const SLOW_EVENTS_MAX: usize = QUEUED_EVENTS_MAX;
/// An event that is in flight for this long is slow. Consumers that work well take milliseconds.
const SLOW_AGE: Duration = Duration::from_secs(2);

/// The events in flight, and since when.
#[derive(Default)]
pub(super) struct InFlight {
    since: HashMap<EventId, Instant>,
    /// How many were slow at the last count, at most [`SLOW_EVENTS_MAX`].
    slow: usize,
}

impl InFlight {
    /// `false`: the event is in flight already.
    pub(super) fn insert(&mut self, event: EventId) -> bool {
        match self.since.entry(event) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(Instant::now());
                true
            }
        }
    }

    pub(super) fn remove(&mut self, event: EventId) {
        self.since.remove(&event);
    }

    pub(super) fn contains(&self, event: EventId) -> bool {
        self.since.contains_key(&event)
    }

    pub(super) fn has_capacity(&self) -> bool {
        self.since.len().saturating_sub(self.slow) < IN_FLIGHT_EVENTS_MAX
    }

    pub(super) fn count_slow(&mut self) {
        let slow = self.since.values().filter(|since| since.elapsed() >= SLOW_AGE).count();
        self.slow = slow.min(SLOW_EVENTS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use contracts::time::Timestamp;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn slow_events_take_no_capacity_from_others_up_to_a_bound() {
        let mut in_flight = InFlight::default();
        let fill = |in_flight: &mut InFlight, events: usize| {
            in_flight.since.extend((0..events).map(|_| (EventId::new(Timestamp(0)), Instant::now())));
        };
        fill(&mut in_flight, IN_FLIGHT_EVENTS_MAX);
        in_flight.count_slow();
        assert!(!in_flight.has_capacity(), "none of them is slow yet");
        tokio::time::advance(SLOW_AGE).await;
        in_flight.count_slow();
        assert!(in_flight.has_capacity());
        fill(&mut in_flight, SLOW_EVENTS_MAX);
        tokio::time::advance(SLOW_AGE).await;
        in_flight.count_slow();
        assert!(!in_flight.has_capacity(), "slow events are bounded too");
    }
}
