//! The rules of reports: which days, which orders count, what changes in the daily sums. Pure.

mod facts;
mod schedule;
mod span;

pub(crate) use facts::{DayKey, DaySums, LineFact, OrderFact, ProductKey, ProductSums, sum_changes};
pub use schedule::AnalyticsSettings;
pub(crate) use schedule::{goes_far, is_due, read_until, restart_at, restart_far_at};
pub(crate) use span::{Span, average, check_limit, filled_trend};
