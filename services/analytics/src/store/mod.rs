//! The SQL of the reports and of the other services' `etl_*` views, one statement per function.

pub(crate) mod facts;
pub(crate) mod reports;
pub(crate) mod sources;
pub(crate) mod sums;
pub(crate) mod watermark;
