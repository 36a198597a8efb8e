//! What can go wrong with a report, and the problem that it becomes.

use contracts::report::REPORT_DAYS_MAX;
use contracts::time::BusinessDay;
use db::DbError;
use web::Problem;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnalyticsError {
    /// A span that begins after its end.
    #[error("from ({from}) is after to ({to}): swap them.")]
    SpanBackwards {
        /// The first day.
        from: BusinessDay,
        /// The last day.
        to: BusinessDay,
    },
    /// A span that is too long for one report.
    #[error("{from} to {to} is longer than {REPORT_DAYS_MAX} days: ask for a shorter span, or for several.")]
    SpanTooLong {
        /// The first day.
        from: BusinessDay,
        /// The last day.
        to: BusinessDay,
    },
    /// More rows than a report shows.
    #[error("limit is {limit}: use 1 to {rows_max}.")]
    Limit {
        /// How many were asked for.
        limit: u32,
        /// The most that there are.
        rows_max: u32,
    },
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why the figures did not become newer. Nobody asks for that: the next run goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtractError {
    /// Another service's tables could not be read.
    #[error("the tables of {service} cannot be read: {why}")]
    SourceAway {
        /// Whose.
        service: &'static str,
        /// Why.
        why: String,
    },
    /// Another process extracts too, and came first.
    #[error("another process extracted at the same time; the next run goes on from there")]
    Overtaken,
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AnalyticsError> for Problem {
    fn from(error: AnalyticsError) -> Self {
        let detail = error.to_string();
        match error {
            AnalyticsError::SpanBackwards { .. } | AnalyticsError::SpanTooLong { .. } => Self::invalid(detail),
            AnalyticsError::Limit { .. } => Self::bad_request(detail),
            AnalyticsError::Db(error) => error.into(),
        }
    }
}
