//! How long a page is.

use contracts::PAGE_ROWS_MAX;
use web::Problem;

/// The rows of a page that was asked for with `limit`, or the longest page.
pub(super) fn rows(limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(PAGE_ROWS_MAX),
        Some(limit) if (1..=PAGE_ROWS_MAX).contains(&limit) => Ok(limit),
        Some(limit) => Err(Problem::invalid(format!(
            "limit is {limit}: use 1 to {PAGE_ROWS_MAX}, and nextCursor for the next page."
        ))),
    }
}
