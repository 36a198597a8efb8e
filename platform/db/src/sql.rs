//! Parts of statements that are put together for their values.

use crate::{ToValue, Value};

/// `$first, $first+1, ...`: the places of `count` values.
#[must_use]
pub fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

/// The places of a list of `IN` that begins at `$1`, and what stands there; bounded by who asks.
///
/// Filled up with the last value to a power of two, so that a few statements are prepared and not one for each count.
/// No values: a list in which nothing is.
#[must_use]
pub fn listed(values: &[impl ToValue]) -> (String, Vec<Value>) {
    let Some(last) = values.last() else { return ("NULL".to_owned(), Vec::new()) };
    let count = values.len().next_power_of_two();
    let filled = values.iter().chain(std::iter::repeat(last)).take(count);
    (places(1, count), filled.map(ToValue::to_value).collect())
}

/// The pattern of LIKE that finds `text` anywhere, as it is: `!` takes its meaning from what follows (`ESCAPE '!'`).
#[must_use]
pub fn like_contains(text: &str) -> String {
    let escaped = text.trim().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_filled_up_to_a_power_of_two() {
        let integers = |values: &[i64]| values.iter().copied().map(Value::Integer).collect::<Vec<_>>();
        assert_eq!(listed(&[7, 8, 9]), ("$1, $2, $3, $4".to_owned(), integers(&[7, 8, 9, 9])));
        assert_eq!(listed(&[7]), ("$1".to_owned(), integers(&[7])));
        assert_eq!(listed(&[0_i64; 0]), ("NULL".to_owned(), vec![]));
    }

    #[test]
    fn a_search_for_a_percent_sign_finds_a_percent_sign() {
        assert_eq!(like_contains(" 50% off! "), "%50!% off!!%");
    }
}
