//! Names as the menu shows them.

use contracts::{
    product::NAME_CHARS_MAX,
    text::{LineBreaks, is_readable},
};

use super::{InvalidMenu, NAMES_LISTED_MAX};

/// The name without spaces around it. `field` says which name it is.
///
/// # Errors
/// [`InvalidMenu::Name`] where it is empty, longer than a receipt's line can carry twice, or not one line.
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

/// The first few names as a person lists them: `Latte, Mocha and 3 more`. `total` counts those not in `names` too.
#[must_use]
pub(crate) fn listed(names: &[String], total: usize) -> String {
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
    fn a_name_that_no_receipt_can_carry_is_refused_by_its_field() {
        for (wrong, why) in [("", "empty"), ("   ", "empty"), ("Kopi\nsusu", "control character")] {
            let refusal = check_name("optionGroups[0].name", wrong).unwrap_err().to_string();
            assert!(refusal.starts_with("optionGroups[0].name is ") && refusal.contains(why), "{refusal}");
        }
        let refusal = check_name("name", &"x".repeat(NAME_CHARS_MAX + 1)).unwrap_err().to_string();
        assert!(refusal.starts_with("name is 81 characters long"), "{refusal}");
    }

    #[test]
    fn a_long_list_names_a_few_and_counts_the_rest() {
        let names: Vec<String> = ["Latte", "Mocha"].map(String::from).into();
        assert_eq!(listed(&names, 2), "Latte, Mocha");
        assert_eq!(listed(&names, 5), "Latte, Mocha and 3 more");
    }
}
