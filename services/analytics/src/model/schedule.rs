//! When to extract, and from where.

use std::time::Duration;

use contracts::time::Micros;

/// How far before the watermark a run begins again. An order's time is taken before its transaction waits and commits,
/// so it may appear behind orders that are later by their time; nothing waits longer than this for its commit.
const OVERLAP: Duration = Duration::from_secs(10);

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
pub(crate) fn is_due(settings: &AnalyticsSettings, last: Option<Micros>, has_changed: bool, now: Micros) -> bool {
    // A clock that was set back must not stop the reports.
    let Some(last) = last.filter(|last| *last <= now) else { return true };
    let passed = now.since(last);
    passed >= settings.every || (has_changed && passed >= settings.after_sale)
}

/// Where a run that begins at `started` begins to read. Before the watermark, and before `started` too: a clock that was
/// set back has written orders behind the watermark.
#[must_use]
pub(crate) fn restart_at(watermark: Micros, started: Micros) -> Micros {
    watermark.min(started) - OVERLAP
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Micros = Micros(1_000_000_000_000);

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
        assert_eq!(restart_at(NOON + Duration::from_secs(3_600), NOON), NOON - OVERLAP);
        assert_eq!(restart_at(NOON - Duration::from_secs(5), NOON), NOON - Duration::from_secs(15));
    }
}
