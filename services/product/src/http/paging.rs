//! How long a page is.

use contracts::{PAGE_ROWS_MAX, page_rows};
use web::Problem;

/// The rows of a page that was asked for with `limit`, or the longest page.
pub(super) fn rows(limit: Option<u32>) -> Result<u32, Problem> {
    page_rows(limit, PAGE_ROWS_MAX).map_err(|error| Problem::bad_request(format!("{error}.")))
}
