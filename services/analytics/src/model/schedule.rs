//! When to extract, and where a run starts to read.

use std::time::Duration;

use contracts::time::Timestamp;

/// How far before the last run a run starts to read. An order gets its time before its transaction waits and commits,
/// so its row may appear later than rows with a later time. Most that do are at most this late.
const SHORT_LOOKBACK: Duration = Duration::from_secs(10);
/// How late a row may appear at all: its write waits in a queue and is retried after conflicts, each statement for half
/// a minute at most. An unchanged order that is read again is skipped.
const LONG_LOOKBACK: Duration = Duration::from_secs(10 * 60);
/// How often a run looks back that far. Every run would otherwise read a busy shop's last minutes, every ten seconds.
const LONG_LOOKBACK_EVERY: Duration = Duration::from_secs(10 * 60);
/// Before every order.
const BEGINNING: Timestamp = Timestamp(i64::MIN);

/// How often reports are brought up to date.
#[derive(Clone, Copy, Debug)]
pub struct AnalyticsSettings {
    /// The longest time between two runs ("Schedule: every 1 hour").
    pub every: Duration,
    /// The time between two runs while orders change.
    pub after_sale: Duration,
}

impl Default for AnalyticsSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(60 * 60), after_sale: Duration::from_secs(10) }
    }
}

/// Whether to extract now. `last_run` is when the last run began, finished or not.
#[must_use]
pub(crate) fn is_due(
    settings: &AnalyticsSettings,
    last_run: Option<Timestamp>,
    is_requested: bool,
    now: Timestamp,
) -> bool {
    // A clock that was set back does not stop the reports.
    let Some(last_run) = last_run.filter(|last| *last <= now) else { return true };
    let passed = now.since(last_run);
    passed >= settings.every || (is_requested && passed >= settings.after_sale)
}

/// How far earlier runs have read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// The latest change that was read.
    pub(crate) watermark: Timestamp,
    /// When the last finished run began. `None`: no run has finished.
    pub(crate) last_run: Option<Timestamp>,
    /// When the last run with a long lookback began. `None`: none in this process.
    pub(crate) last_long_run: Option<Timestamp>,
}

impl Progress {
    /// Whether a run that begins at `started` uses the long lookback.
    #[must_use]
    pub(crate) fn is_long_run_due(self, started: Timestamp) -> bool {
        let last = self.last_long_run.filter(|last| *last <= started);
        last.is_none_or(|last| started.since(last) >= LONG_LOOKBACK_EVERY)
    }

    /// From which change on a run that begins at `started` reads, with the short or the long lookback. A run has no
    /// upper bound, so that it also reads rows whose time is ahead of the clock.
    ///
    /// If the clock was set back since the last run, rows may have appeared anywhere behind that run, so everything is
    /// read again: rare, and unchanged orders are skipped.
    #[must_use]
    pub(crate) fn start(self, started: Timestamp, is_long_run: bool) -> Timestamp {
        let last_run = self.last_run.unwrap_or(self.watermark);
        if last_run > started {
            return BEGINNING;
        }
        let latest = self.watermark.min(last_run);
        if !is_long_run {
            return latest - SHORT_LOOKBACK;
        }
        // An earlier process may have looked back last as long ago as that.
        self.last_long_run.unwrap_or(latest - LONG_LOOKBACK_EVERY).min(latest) - LONG_LOOKBACK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_000_000_000_000);

    fn due(last_run: Option<Duration>, is_requested: bool) -> bool {
        is_due(&AnalyticsSettings::default(), last_run.map(|ago| NOON - ago), is_requested, NOON)
    }

    fn progress(watermark: Timestamp, last_run: Timestamp, last_long_run: Option<Timestamp>) -> Progress {
        Progress { watermark, last_run: Some(last_run), last_long_run }
    }

    #[test]
    fn reports_are_updated_at_the_start_after_an_hour_and_soon_after_a_sale() {
        assert!(due(None, false));
        assert!(!due(Some(Duration::from_secs(3_599)), false));
        assert!(due(Some(Duration::from_secs(3_600)), false));
        assert!(!due(Some(Duration::from_secs(9)), true));
        assert!(due(Some(Duration::from_secs(10)), true));
    }

    #[test]
    fn a_run_starts_a_little_before_the_last_run_and_the_watermark() {
        let quiet = progress(NOON - Duration::from_secs(5), NOON - Duration::from_secs(1), None);
        assert_eq!(quiet.start(NOON, false), NOON - Duration::from_secs(15));
        let with_rows_ahead = progress(NOON + Duration::from_secs(3_600), NOON - Duration::from_secs(1), None);
        assert_eq!(with_rows_ahead.start(NOON, false), NOON - Duration::from_secs(11));
    }

    #[test]
    fn after_a_clock_was_set_back_a_run_is_due_and_reads_everything() {
        let ahead = NOON + Duration::from_secs(1);
        assert!(is_due(&AnalyticsSettings::default(), Some(ahead), false, NOON));
        let before = progress(ahead, ahead, Some(ahead));
        assert!(before.is_long_run_due(NOON));
        assert_eq!(before.start(NOON, true), BEGINNING);
        assert_eq!(before.start(NOON, false), BEGINNING);
    }

    #[test]
    fn an_order_that_appears_ten_minutes_late_is_read_by_the_next_long_run() {
        let last = NOON - Duration::from_secs(599);
        let read = progress(NOON, NOON, Some(last));
        assert!(progress(NOON, NOON, None).is_long_run_due(NOON) && !read.is_long_run_due(NOON));
        assert!(read.is_long_run_due(NOON + Duration::from_secs(1)));
        // It appeared the moment after the last long run had begun.
        assert_eq!(read.start(NOON, true), last - LONG_LOOKBACK);
        assert_eq!(progress(NOON, NOON, None).start(NOON, true), NOON - LONG_LOOKBACK_EVERY - LONG_LOOKBACK);
    }
}
