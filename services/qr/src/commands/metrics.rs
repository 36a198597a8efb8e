//! The metrics of codes.

use db::DbError;

use super::{Codes, effects::Effects};
use crate::{error::QrError, store};

const ISSUED: &str = "codes_issued_total";
const POURED: &str = "codes_poured_total";
const IN_REVIEW: &str = "codes_in_review";

/// Describes the metrics to the recorder of the process.
pub(crate) fn describe() {
    metrics::describe_counter!(ISSUED, "Codes issued, replacements included.");
    metrics::describe_counter!(POURED, "Codes that became USED.");
    metrics::describe_gauge!(
        IN_REVIEW,
        "Codes that wait for a staff decision. If it grows, look at the attention list."
    );
}

pub(super) fn count(effects: &Effects) {
    if effects.codes_issued > 0 {
        metrics::counter!(ISSUED).increment(effects.codes_issued as u64);
    }
    if effects.codes_poured > 0 {
        metrics::counter!(POURED).increment(effects.codes_poured as u64);
    }
}

impl Codes {
    /// Reads how many codes are in review: an index of a few rows.
    pub(crate) async fn measure_reviews(&self) -> Result<(), QrError> {
        let in_review = self.db.read::<_, DbError, _>(store::count_in_review).await?;
        metrics::gauge!(IN_REVIEW).set(f64::from(in_review));
        Ok(())
    }
}
