//! The rules of reports, without I/O: the period, which orders count, how they change the daily sums, when to extract.

mod facts;
mod period;
mod schedule;

pub(crate) use facts::{DayKey, DaySums, LineFact, OrderFact, ProductKey, ProductSums, sum_changes};
pub(crate) use period::{ReportPeriod, average, check_limit, fill_days};
pub use schedule::AnalyticsSettings;
pub(crate) use schedule::{Progress, is_due};
