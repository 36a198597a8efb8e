//! Texts that people write: what no receipt prints, and PostgreSQL does not keep, is refused in one place.

/// How many lines a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineBreaks {
    /// One: line feeds are control characters too.
    Forbidden,
    /// Some, separated by line feeds.
    Allowed,
}

/// A text that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// No receipt and no screen can carry it.
    #[error("{field} is longer than {chars_max} characters: shorten it")]
    TooLong {
        /// Which text.
        field: String,
        /// The most.
        chars_max: usize,
    },
    /// It has a character that is not to be seen.
    #[error("{field} has a control character, such as a NUL or a tab, that nobody can read: take it out")]
    Control {
        /// Which text.
        field: String,
    },
}

/// Whether a text has no control characters, but for the line feeds of one that may have many lines.
#[must_use]
pub fn is_readable(text: &str, lines: LineBreaks) -> bool {
    !text.chars().any(|char| char.is_control() && !(char == '\n' && lines == LineBreaks::Allowed))
}

/// Refuses a text that is too long or has control characters.
///
/// # Errors
/// [`InvalidText`] names the field and the way on.
pub fn check(field: &str, text: &str, chars_max: usize, lines: LineBreaks) -> Result<(), InvalidText> {
    if text.chars().count() > chars_max {
        return Err(InvalidText::TooLong { field: field.to_owned(), chars_max });
    }
    if !is_readable(text, lines) {
        return Err(InvalidText::Control { field: field.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_language_is_readable_and_one_with_a_nul_is_not() {
        for text in ["", "Kopi susu", "咖啡 ☕", "Jl. Sudirman 1"] {
            assert_eq!(check("note", text, 20, LineBreaks::Forbidden), Ok(()), "{text}");
        }
        for text in ["\0", "a\u{7}b", "a\tb", "a\r\nb", "\u{85}"] {
            assert!(!is_readable(text, LineBreaks::Allowed), "{text:?}");
        }
        assert!(is_readable("a\nb", LineBreaks::Allowed) && !is_readable("a\nb", LineBreaks::Forbidden));
    }

    #[test]
    fn a_refusal_names_the_field_and_the_way_on() {
        let refusal = |text: &str| check("table", text, 3, LineBreaks::Forbidden).unwrap_err().to_string();
        assert_eq!(refusal("1234"), "table is longer than 3 characters: shorten it");
        assert!(refusal("\0").starts_with("table has a control character"));
    }
}
