//! When to extract, and from where.

use std::time::Duration;

use contracts::time::Timestamp;

/// How far before the watermark every run begins again. An order's time is taken before its transaction waits and
/// commits, so it may appear behind orders that are later by their time; most that do are no later than this.
const NEAR_OVERLAP: Duration = Duration::from_secs(10);
/// By how much an order may appear late at all: it waits in a queue of the database and is run again after collisions,
/// each statement of it for half a minute at most. An order that is read again unchanged is skipped.
const OVERLAP: Duration = Duration::from_secs(10 * 60);
/// By how much the clock of who wrote an order may be ahead of the one here: such an order is read at once, and not
/// after it has been later here too.
const CLOCKS_DIFFER_MAX: Duration = Duration::from_secs(5);
/// How often a run goes back that far. Going back each time would read a busy shop's last minutes every ten seconds.
const FAR_RUN_EVERY: Duration = Duration::from_secs(10 * 60);

/// How often reports are brought up to date.
#[derive(Clone, Copy, Debug)]
pub struct AnalyticsSettings {
    /// At the latest after this ("Schedule: every 1 hour").
    pub every: Duration,
    /// After something happened, not before this much time has passed since the last run.
    pub after_sale: Duration,
}

impl Default for AnalyticsSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(60 * 60), after_sale: Duration::from_secs(10) }
    }
}

/// Whether it is time to extract. `last` is when the last run began, whether it came to its end or not.
#[must_use]
pub(crate) fn is_due(settings: &AnalyticsSettings, last: Option<Timestamp>, has_changed: bool, now: Timestamp) -> bool {
    // A clock that was set back must not stop the reports.
    let Some(last) = last.filter(|last| *last <= now) else { return true };
    let passed = now.since(last);
    passed >= settings.every || (has_changed && passed >= settings.after_sale)
}

/// Up to which time of an order's change a run that begins at `started` reads.
#[must_use]
pub(crate) fn read_until(started: Timestamp) -> Timestamp {
    started + CLOCKS_DIFFER_MAX
}

/// Whether a run that begins at `started` goes far back. `last_far`: when the last one that did so began.
#[must_use]
pub(crate) fn goes_far(last_far: Option<Timestamp>, started: Timestamp) -> bool {
    last_far.filter(|last| *last <= started).is_none_or(|last| started.since(last) >= FAR_RUN_EVERY)
}

/// Where a run that begins at `started` begins to read. Before the watermark, and before `started` too: a clock that was
/// set back has written orders behind the watermark.
#[must_use]
pub(crate) fn restart_at(watermark: Timestamp, started: Timestamp) -> Timestamp {
    watermark.min(started) - NEAR_OVERLAP
}

/// Where one that goes far back does: what was not there yet when the last one began is no older than this.
#[must_use]
pub(crate) fn restart_far_at(watermark: Timestamp, started: Timestamp, last_far: Option<Timestamp>) -> Timestamp {
    let latest = watermark.min(started);
    // An earlier process may have gone far back last as long ago as that.
    last_far.unwrap_or(latest - FAR_RUN_EVERY).min(latest) - OVERLAP
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_000_000_000_000);

    fn due(last: Option<Duration>, has_changed: bool) -> bool {
        is_due(&AnalyticsSettings::default(), last.map(|ago| NOON - ago), has_changed, NOON)
    }

    #[test]
    fn reports_are_brought_up_to_date_at_the_start_after_an_hour_and_soon_after_a_sale() {
        assert!(due(None, false));
        assert!(!due(Some(Duration::from_secs(3_599)), false));
        assert!(due(Some(Duration::from_secs(3_600)), false));
        assert!(!due(Some(Duration::from_secs(9)), true));
        assert!(due(Some(Duration::from_secs(10)), true));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_reports() {
        assert!(is_due(&AnalyticsSettings::default(), Some(NOON + Duration::from_secs(1)), false, NOON));
        assert_eq!(restart_at(NOON + Duration::from_secs(3_600), NOON), NOON - NEAR_OVERLAP);
        assert_eq!(restart_at(NOON - Duration::from_secs(5), NOON), NOON - Duration::from_secs(15));
        assert!(goes_far(Some(NOON + Duration::from_secs(1)), NOON));
    }

    #[test]
    fn an_order_that_appears_ten_minutes_late_is_read_by_the_next_run_that_goes_far_back() {
        let last_far = NOON - Duration::from_secs(599);
        assert!(goes_far(None, NOON) && !goes_far(Some(last_far), NOON));
        assert!(goes_far(Some(last_far), NOON + Duration::from_secs(1)));
        // It appeared the moment after the last one had begun.
        let changed_at = last_far - OVERLAP;
        assert_eq!(restart_far_at(NOON, NOON, Some(last_far)), changed_at);
        assert_eq!(restart_far_at(NOON, NOON, None), NOON - FAR_RUN_EVERY - OVERLAP);
    }
}
