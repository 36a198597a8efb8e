//! Durations and their percentiles.

use std::time::Duration;

/// Durations in microseconds, sorted.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    pub(crate) fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        Self(micros)
    }

    /// The time in milliseconds within which `percent` of a hundred were done.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

/// From and until, in microseconds since 1970: selects the events of the measured time.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct TimeRange {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// A duration in the unit of [`Times`].
pub(crate) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = Times::of((1..=100).rev().map(|n| n * 1000).collect());
        assert_eq!(times.percentile_ms(50).to_string(), "51");
        assert_eq!(times.percentile_ms(99).to_string(), "100");
        assert_eq!(Times::default().percentile_ms(50).to_string(), "0");
    }
}
