//! Texts that people type: one place refuses what a receipt cannot print or PostgreSQL cannot store.

/// The texts that [`check`] accepts with [`LineBreaks::Forbidden`], as a JSON Schema pattern.
pub const ONE_LINE_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// Like [`ONE_LINE_PATTERN`], and not only white space.
pub const NOT_BLANK_PATTERN: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// The texts that [`check`] accepts with [`LineBreaks::Allowed`], as a JSON Schema pattern.
pub const LINES_PATTERN: &str = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$";

/// Whether a text may have several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineBreaks {
    /// One line: a line feed counts as a control character.
    Forbidden,
    /// Several lines, separated by line feeds.
    Allowed,
}

/// A text that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Receipts and screens have no room for it.
    #[error("{field} is longer than {chars_max} characters: shorten it")]
    TooLong {
        /// The name of the field.
        field: String,
        /// The longest that is accepted, in characters.
        chars_max: usize,
    },
    /// It has a character that cannot be printed.
    #[error("{field} has a control character, such as a NUL or a tab, that cannot be printed: remove it")]
    Control {
        /// The name of the field.
        field: String,
    },
}

/// Whether a text has no control characters, except line feeds if they are allowed.
#[must_use]
pub fn is_readable(text: &str, lines: LineBreaks) -> bool {
    !text.chars().any(|char| char.is_control() && !(char == '\n' && lines == LineBreaks::Allowed))
}

/// Refuses a text that is too long or has control characters.
///
/// # Errors
/// [`InvalidText`] names the field and what to do.
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
    fn text_of_any_language_is_accepted_and_control_characters_are_not() {
        for text in ["", "Kopi susu", "咖啡 ☕", "Jl. Sudirman 1"] {
            assert_eq!(check("note", text, 20, LineBreaks::Forbidden), Ok(()), "{text}");
        }
        for text in ["\0", "a\u{7}b", "a\tb", "a\r\nb", "\u{85}"] {
            assert!(!is_readable(text, LineBreaks::Allowed), "{text:?}");
        }
        assert!(is_readable("a\nb", LineBreaks::Allowed) && !is_readable("a\nb", LineBreaks::Forbidden));
    }

    #[test]
    fn a_refusal_names_the_field_and_what_to_do() {
        let refusal = |text: &str| check("table", text, 3, LineBreaks::Forbidden).unwrap_err().to_string();
        assert_eq!(refusal("1234"), "table is longer than 3 characters: shorten it");
        assert!(refusal("\0").starts_with("table has a control character"));
    }

    #[test]
    fn a_text_may_be_exactly_as_long_as_allowed() {
        assert_eq!(check("table", "123", 3, LineBreaks::Forbidden), Ok(()));
        assert_eq!(check("table", "咖啡厅", 3, LineBreaks::Forbidden), Ok(()), "characters are counted, not bytes");
    }
}
