//! Names as the menu shows them.

use contracts::{
    product::NAME_CHARS_MAX,
    text::{LineBreaks, is_readable},
};

use super::{InvalidMenu, NAMES_LISTED_MAX};

/// The name without spaces around it. `field` is its path in the request.
///
/// # Errors
/// [`InvalidMenu::Name`]: it is empty, longer than two lines of a receipt, or has a line break.
pub(crate) fn check_name(field: &str, name: &str) -> Result<String, InvalidMenu> {
    let trimmed = name.trim();
    let chars = trimmed.chars().count();
    let found = if trimmed.is_empty() {
        "empty".to_owned()
    } else if chars > NAME_CHARS_MAX {
        format!("{chars} characters long")
    } else if !is_readable(trimmed, LineBreaks::Forbidden) {
        "broken by a line break or another control character".to_owned()
    } else {
        return Ok(trimmed.to_owned());
    };
    Err(InvalidMenu::Name { field: field.to_owned(), found })
}

/// The first few names as a sentence has them: `Latte, Mocha and 3 more`. `total` also counts those not in `names`.
#[must_use]
pub(crate) fn join_names(names: &[String], total: usize) -> String {
    let shown = names.iter().take(NAMES_LISTED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match total.saturating_sub(names.len().min(NAMES_LISTED_MAX)) {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_the_spaces_around_it_and_nothing_else() {
        assert_eq!(check_name("name", "  Kopi  susu "), Ok("Kopi  susu".into()));
        assert_eq!(check_name("name", &"é".repeat(NAME_CHARS_MAX)), Ok("é".repeat(NAME_CHARS_MAX)));
    }

    #[test]
    fn a_name_that_does_not_fit_on_a_receipt_is_refused_with_its_field() {
        for (wrong, reason) in [("", "empty"), ("   ", "empty"), ("Kopi\nsusu", "control character")] {
            let refusal = check_name("optionGroups[0].name", wrong).unwrap_err().to_string();
            assert!(refusal.starts_with("optionGroups[0].name is ") && refusal.contains(reason), "{refusal}");
        }
        let refusal = check_name("name", &"x".repeat(NAME_CHARS_MAX + 1)).unwrap_err().to_string();
        assert!(refusal.starts_with("name is 81 characters long"), "{refusal}");
    }

    #[test]
    fn a_long_list_names_a_few_and_counts_the_rest() {
        let names: Vec<String> = ["Latte", "Mocha"].map(String::from).into();
        assert_eq!(join_names(&names, 2), "Latte, Mocha");
        assert_eq!(join_names(&names, 5), "Latte, Mocha and 3 more");
    }
}
