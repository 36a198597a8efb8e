//! Parts of statements that depend on how many values there are.

use crate::{ToValue, Value};

/// `$first, $first+1, ...`: the placeholders of `count` values.
#[must_use]
pub fn placeholders(first: usize, count: usize) -> String {
    let placeholders: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    placeholders.join(", ")
}

/// The inside of `IN (...)` from `$1` on, and its parameters. The caller bounds how many.
///
/// The last value is repeated up to the next power of two, so that only a few different statements are prepared.
/// Without values, the list is `NULL`, which matches nothing.
#[must_use]
pub fn in_list(values: &[impl ToValue]) -> (String, Vec<Value>) {
    let Some(last) = values.last() else { return ("NULL".to_owned(), Vec::new()) };
    let count = values.len().next_power_of_two();
    let padded = values.iter().chain(std::iter::repeat(last)).take(count);
    (placeholders(1, count), padded.map(ToValue::to_value).collect())
}

/// The pattern of `LIKE ... ESCAPE '!'` that finds `text` anywhere. `%` and `_` in it are taken literally.
#[must_use]
pub fn like_contains(text: &str) -> String {
    let escaped = text.trim().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_padded_to_a_power_of_two() {
        let integers = |values: &[i64]| values.iter().copied().map(Value::Integer).collect::<Vec<_>>();
        assert_eq!(in_list(&[7, 8, 9]), ("$1, $2, $3, $4".to_owned(), integers(&[7, 8, 9, 9])));
        assert_eq!(in_list(&[7]), ("$1".to_owned(), integers(&[7])));
        assert_eq!(in_list(&[0_i64; 0]), ("NULL".to_owned(), vec![]));
    }

    #[test]
    fn a_search_for_a_percent_sign_finds_a_percent_sign() {
        assert_eq!(like_contains(" 50% off! "), "%50!% off!!%");
    }
}
