//! Which business days a report is about.

use std::collections::HashMap;

use contracts::{report::REPORT_DAYS_MAX, time::BusinessDay};

use crate::error::AnalyticsError;

/// The business days from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first.
    pub from: BusinessDay,
    /// The last.
    pub to: BusinessDay,
}

impl Span {
    /// The days that were asked for. Without `to` it ends `today`; without `from` it has `days` days.
    ///
    /// # Errors
    /// Where it ends before it begins, or is longer than a report can be.
    pub(crate) fn asked(
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
        today: BusinessDay,
        days: u32,
    ) -> Result<Self, AnalyticsError> {
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.days_earlier(days.saturating_sub(1)));
        if from > to {
            return Err(AnalyticsError::SpanBackwards { from, to });
        }
        if from < to.days_earlier(REPORT_DAYS_MAX - 1) {
            return Err(AnalyticsError::SpanTooLong { from, to });
        }
        Ok(Self { from, to })
    }

    /// Its days, the first one first.
    #[must_use]
    pub(crate) fn days(self) -> Vec<BusinessDay> {
        let backwards = (0..REPORT_DAYS_MAX).map(|days| self.to.days_earlier(days));
        let mut days: Vec<_> = backwards.take_while(|day| *day >= self.from).collect();
        days.reverse();
        days
    }
}

/// Every day of `span` with its `found` sums; a day without any has the sums of nothing.
#[must_use]
pub(crate) fn filled_trend<T: Copy + Default>(span: Span, found: &[(BusinessDay, T)]) -> Vec<(BusinessDay, T)> {
    let found: HashMap<_, _> = found.iter().copied().collect();
    span.days().into_iter().map(|day| (day, found.get(&day).copied().unwrap_or_default())).collect()
}

/// How many rows to answer: `asked`, or `usual`.
///
/// # Errors
/// Where none or more than `rows_max` were asked for.
pub(crate) fn check_limit(asked: Option<u32>, usual: u32, rows_max: u32) -> Result<u32, AnalyticsError> {
    let limit = asked.unwrap_or(usual);
    if (1..=rows_max).contains(&limit) { Ok(limit) } else { Err(AnalyticsError::Limit { limit, rows_max }) }
}

/// `sum` shared by `count`, to the unit, halves away from zero. `None`: nothing to share among.
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

    fn asked(from: Option<&str>, to: Option<&str>) -> Result<(String, String), String> {
        let span = Span::asked(from.map(day), to.map(day), day("2026-11-22"), 7);
        span.map(|span| (span.from.to_string(), span.to.to_string())).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_span_ends_today_and_has_its_usual_days_unless_told_otherwise() {
        let span = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(asked(None, None), span("2026-11-16", "2026-11-22"));
        assert_eq!(asked(Some("2026-11-01"), None), span("2026-11-01", "2026-11-22"));
        assert_eq!(asked(None, Some("2026-03-01")), span("2026-02-23", "2026-03-01"));
    }

    #[test]
    fn a_span_that_no_report_can_be_about_is_refused() {
        assert!(asked(Some("2026-11-23"), None).unwrap_err().starts_with("from (2026-11-23) is after to (2026-11-22)"));
        assert!(asked(Some("2021-11-19"), None).is_ok());
        assert!(asked(Some("2021-11-18"), None).unwrap_err().contains("longer than 1830 days"));
    }

    #[test]
    fn a_trend_has_the_days_without_sales_too() {
        let span = Span { from: day("2026-02-27"), to: day("2026-03-02") };
        let trend = filled_trend(span, &[(day("2026-03-01"), 7)]);
        let days: Vec<_> = trend.iter().map(|(day, sales)| (day.to_string(), *sales)).collect();
        let expected = [("2026-02-27", 0), ("2026-02-28", 0), ("2026-03-01", 7), ("2026-03-02", 0)];
        assert_eq!(days, expected.map(|(day, sales)| (day.to_owned(), sales)));
    }

    #[test]
    fn an_average_is_rounded_to_the_unit_and_halves_go_away_from_zero() {
        assert_eq!(average(5, 2), Some(3));
        assert_eq!(average(-5, 2), Some(-3));
        assert_eq!(average(4, 3), Some(1));
        assert_eq!(average(5, 3), Some(2));
        assert_eq!(average(0, 0), None);
    }

    #[test]
    fn a_report_has_a_row_at_least_and_no_more_than_it_can_show() {
        assert_eq!(check_limit(None, 10, 50).unwrap(), 10);
        assert_eq!(check_limit(Some(50), 10, 50).unwrap(), 50);
        assert!(check_limit(Some(51), 10, 50).is_err());
        assert!(check_limit(Some(0), 10, 50).is_err());
    }
}
