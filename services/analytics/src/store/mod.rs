//! The SQL of the reports, and of the other services' `etl_*` views. Nowhere else.

pub(crate) mod facts;
pub(crate) mod reports;
pub(crate) mod sources;
pub(crate) mod sums;
pub(crate) mod watermark;

use db::{ToValue, Value};

/// `ids` as the values of a list of `IN`, and the places for them: `$1, $2`. Bounded by who asks.
fn listed(ids: &[impl ToValue]) -> (String, Vec<Value>) {
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    (places.join(", "), ids.iter().map(ToValue::to_value).collect())
}
