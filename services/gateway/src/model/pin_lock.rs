//! How wrong PINs lock a person: every fifth one, each time three times longer.

use std::time::Duration;

use contracts::time::Timestamp;

/// How many PINs may be tried before the next lock: a person's own typing errors fit in.
pub(crate) const ATTEMPTS_PER_LOCK: u32 = 5;
/// The locks, from the first to the one that all later ones are like. 10,000 PINs of four digits take over two years.
pub(crate) const LOCKS: [Duration; 6] = [minutes(5), minutes(15), minutes(45), minutes(135), minutes(405), LOCK_MAX];
/// The longest lock: the next shift can sign in again without a manager.
pub(crate) const LOCK_MAX: Duration = minutes(12 * 60);

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// When each of [`LOCKS`] ends if it begins `now`.
pub(crate) fn lock_ends(now: Timestamp) -> [Timestamp; 6] {
    LOCKS.map(|lock| now + lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lock_is_three_times_longer_and_twelve_hours_at_most() {
        for pair in LOCKS.windows(2) {
            assert_eq!(pair[1], (pair[0] * 3).min(LOCK_MAX));
        }
        assert_eq!((LOCKS[0], LOCKS[5]), (minutes(5), LOCK_MAX));
    }

    #[test]
    fn guessing_every_pin_of_four_digits_takes_over_two_years() {
        let locks = 10_000 / ATTEMPTS_PER_LOCK;
        let guessing = (0..locks as usize).map(|lock| LOCKS[lock.min(5)]).sum::<Duration>();
        assert!(guessing > Duration::from_secs(2 * 365 * 24 * 60 * 60));
    }
}
