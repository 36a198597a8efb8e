//! The period of a report, its days, and averages.

use std::collections::HashMap;

use contracts::{report::REPORT_DAYS_MAX, time::BusinessDay};

use crate::error::AnalyticsError;

/// A period of business days, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReportPeriod {
    /// The first day.
    pub from: BusinessDay,
    /// The last day.
    pub to: BusinessDay,
}

impl ReportPeriod {
    /// The period of a request. Without `to` it ends `today`; without `from` it has `days` days.
    ///
    /// # Errors
    /// [`AnalyticsError::PeriodBackwards`], [`AnalyticsError::PeriodTooLong`].
    pub(crate) fn requested(
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
        today: BusinessDay,
        days: u32,
    ) -> Result<Self, AnalyticsError> {
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.days_earlier(days.saturating_sub(1)));
        if from > to {
            return Err(AnalyticsError::PeriodBackwards { from, to });
        }
        if from < to.days_earlier(REPORT_DAYS_MAX - 1) {
            return Err(AnalyticsError::PeriodTooLong { from, to });
        }
        Ok(Self { from, to })
    }

    /// Its days in order.
    #[must_use]
    pub(crate) fn days(self) -> Vec<BusinessDay> {
        let backwards = (0..REPORT_DAYS_MAX).map(|days| self.to.days_earlier(days));
        let mut days: Vec<_> = backwards.take_while(|day| *day >= self.from).collect();
        days.reverse();
        days
    }
}

/// Every day of the period with its sums; a day without sales has empty sums.
#[must_use]
pub(crate) fn fill_days<T: Copy + Default>(period: ReportPeriod, found: &[(BusinessDay, T)]) -> Vec<(BusinessDay, T)> {
    let found: HashMap<_, _> = found.iter().copied().collect();
    period.days().into_iter().map(|day| (day, found.get(&day).copied().unwrap_or_default())).collect()
}

/// The number of rows to answer: `requested`, or `default`.
///
/// # Errors
/// [`AnalyticsError::Limit`].
pub(crate) fn check_limit(requested: Option<u32>, default: u32, rows_max: u32) -> Result<u32, AnalyticsError> {
    let limit = requested.unwrap_or(default);
    if (1..=rows_max).contains(&limit) { Ok(limit) } else { Err(AnalyticsError::Limit { limit, rows_max }) }
}

/// `sum / count`, rounded to an integer, halves away from zero. `None` if `count` is 0.
#[must_use]
pub(crate) fn average(sum: i64, count: i64) -> Option<i64> {
    if count <= 0 {
        return None;
    }
    let (whole, rest) = (sum / count, sum % count);
    let is_half_or_more = i128::from(rest).abs() * 2 >= i128::from(count);
    Some(if is_half_or_more { whole + sum.signum() } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> BusinessDay {
        text.parse().unwrap()
    }

    fn requested(from: Option<&str>, to: Option<&str>) -> Result<(String, String), String> {
        let period = ReportPeriod::requested(from.map(day), to.map(day), day("2026-11-22"), 7);
        period.map(|period| (period.from.to_string(), period.to.to_string())).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_period_ends_today_and_has_its_default_length() {
        let period = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(requested(None, None), period("2026-11-16", "2026-11-22"));
        assert_eq!(requested(Some("2026-11-01"), None), period("2026-11-01", "2026-11-22"));
        assert_eq!(requested(None, Some("2026-03-01")), period("2026-02-23", "2026-03-01"));
    }

    #[test]
    fn a_period_that_is_backwards_or_too_long_is_refused() {
        assert!(
            requested(Some("2026-11-23"), None).unwrap_err().starts_with("from (2026-11-23) is after to (2026-11-22)")
        );
        assert!(requested(Some("2021-11-19"), None).is_ok());
        assert!(requested(Some("2021-11-18"), None).unwrap_err().contains("longer than 1830 days"));
    }

    #[test]
    fn a_trend_includes_days_without_sales() {
        let period = ReportPeriod { from: day("2026-02-27"), to: day("2026-03-02") };
        let trend = fill_days(period, &[(day("2026-03-01"), 7)]);
        let days: Vec<_> = trend.iter().map(|(day, sales)| (day.to_string(), *sales)).collect();
        let expected = [("2026-02-27", 0), ("2026-02-28", 0), ("2026-03-01", 7), ("2026-03-02", 0)];
        assert_eq!(days, expected.map(|(day, sales)| (day.to_owned(), sales)));
    }

    #[test]
    fn an_average_is_rounded_with_halves_away_from_zero() {
        assert_eq!(average(5, 2), Some(3));
        assert_eq!(average(-5, 2), Some(-3));
        assert_eq!(average(4, 3), Some(1));
        assert_eq!(average(5, 3), Some(2));
        assert_eq!(average(0, 0), None);
    }

    #[test]
    fn a_limit_is_between_one_and_the_maximum() {
        assert_eq!(check_limit(None, 10, 50).unwrap(), 10);
        assert_eq!(check_limit(Some(50), 10, 50).unwrap(), 50);
        assert!(check_limit(Some(51), 10, 50).is_err());
        assert!(check_limit(Some(0), 10, 50).is_err());
    }
}
