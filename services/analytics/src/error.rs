//! What can go wrong with a report, and the problem that it becomes.

use contracts::report::REPORT_DAYS_MAX;
use contracts::time::BusinessDay;
use db::{DbError, OpenError};
use web::Problem;

/// Why a report was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnalyticsError {
    /// A period that begins after its end.
    #[error("from ({from}) is after to ({to}): swap them.")]
    PeriodBackwards {
        /// The first day.
        from: BusinessDay,
        /// The last day.
        to: BusinessDay,
    },
    /// A period that is too long for one report.
    #[error("{from} to {to} is longer than {REPORT_DAYS_MAX} days: ask for a shorter period, or for several.")]
    PeriodTooLong {
        /// The first day.
        from: BusinessDay,
        /// The last day.
        to: BusinessDay,
    },
    /// A limit that is 0 or too high.
    #[error("limit is {limit}: use 1 to {rows_max}.")]
    Limit {
        /// The limit of the request.
        limit: u32,
        /// The highest limit.
        rows_max: u32,
    },
    /// The database failed.
    #[error("the database of reports failed")]
    Db(#[from] DbError),
}

/// Why a run of the extraction failed. The next run continues.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtractError {
    /// Another service's database cannot be opened.
    #[error("the tables of {service} cannot be opened")]
    SourceNotOpened {
        /// The service that owns it.
        service: &'static str,
        /// Why.
        source: OpenError,
    },
    /// Another service's views cannot be read.
    #[error("the tables of {service} cannot be read")]
    SourceUnavailable {
        /// The service that owns them.
        service: &'static str,
        /// Why.
        source: DbError,
    },
    /// Another process extracted at the same time.
    #[error("another process extracted at the same time")]
    Conflict,
    /// The own database failed.
    #[error("the database of reports failed")]
    Db(#[from] DbError),
}

impl From<AnalyticsError> for Problem {
    fn from(error: AnalyticsError) -> Self {
        let detail = error.to_string();
        match error {
            AnalyticsError::PeriodBackwards { .. } | AnalyticsError::PeriodTooLong { .. } => Self::invalid(detail),
            AnalyticsError::Limit { .. } => Self::bad_request(detail),
            AnalyticsError::Db(error) => error.into(),
        }
    }
}
