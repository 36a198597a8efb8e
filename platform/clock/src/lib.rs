//! What time it is: the system's, or a test's.
//!
//! Rules and commands take the time from a [`Clock`] that they are given, so that a test can move it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use contracts::time::Timestamp;

/// A source of the time. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stays at `start` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(system_micros()),
            Source::Manual(time) => Timestamp(time.load(Ordering::SeqCst)),
        }
    }

    /// Sets a manual clock, also back, as a person or NTP sets a clock that ran ahead.
    pub fn set(&self, time: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.store(time.0, Ordering::SeqCst);
        }
    }

    /// Moves a manual clock forward. Does nothing to the system's clock.
    pub fn advance(&self, duration: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.store((self.now() + duration).0, Ordering::SeqCst);
        }
    }
}

fn system_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_shows_the_same_time_to_all_its_clones() {
        let clock = Clock::manual(Timestamp(1));
        let clone = clock.clone();
        clock.advance(Duration::from_micros(41));
        assert_eq!(clone.now(), Timestamp(42));
    }
}
