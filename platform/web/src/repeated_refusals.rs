//! Which refusals the log has already: while a disk is full or a service is unavailable, every request is refused for
//! the same reason, and one line in a while is enough.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a reason is not logged again.
const REPEAT_SECONDS: u64 = 60;

/// How many reasons are remembered. A service has a handful.
const REASONS_MAX: usize = 8;

/// The reasons that were logged lately.
#[derive(Default)]
pub(crate) struct RepeatedRefusals(Mutex<Vec<Reason>>);

struct Reason {
    text: String,
    logged: Instant,
    not_logged: u64,
}

impl RepeatedRefusals {
    /// `None` if `reason` was logged within the last minute; otherwise how many refusals for it were not logged since.
    pub(crate) fn should_log(&self, reason: &str, now: Instant) -> Option<u64> {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = reasons.iter_mut().find(|known| known.text == reason) else {
            if reasons.len() == REASONS_MAX {
                reasons.remove(0);
            }
            reasons.push(Reason { text: reason.to_owned(), logged: now, not_logged: 0 });
            return Some(0);
        };
        if now.duration_since(known.logged) < Duration::from_secs(REPEAT_SECONDS) {
            known.not_logged += 1;
            return None;
        }
        known.logged = now;
        Some(std::mem::take(&mut known.not_logged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_logged_once_a_minute_with_the_number_of_repetitions() {
        let (refusals, start) = (RepeatedRefusals::default(), Instant::now());
        assert_eq!(refusals.should_log("the disk is full", start), Some(0));
        for _ in 0..5 {
            assert_eq!(refusals.should_log("the disk is full", start + Duration::from_secs(59)), None);
        }
        assert_eq!(refusals.should_log("too many requests", start), Some(0), "another reason");
        assert_eq!(refusals.should_log("the disk is full", start + Duration::from_secs(60)), Some(5));
        assert_eq!(refusals.should_log("the disk is full", start + Duration::from_secs(120)), Some(0));
    }

    #[test]
    fn only_a_few_reasons_are_remembered() {
        let (refusals, now) = (RepeatedRefusals::default(), Instant::now());
        for reason in 0..100 {
            refusals.should_log(&reason.to_string(), now);
        }
        assert_eq!(refusals.0.lock().unwrap().len(), REASONS_MAX);
    }
}
