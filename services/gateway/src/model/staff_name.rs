//! Names of people.

use contracts::staff::STAFF_NAME_CHARS_MAX;

/// A name of a person: 1 to 40 characters on one line, without spaces around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StaffName(String);

/// A text that is no [`StaffName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A name has 1 to {STAFF_NAME_CHARS_MAX} characters on one line. Correct it and send the request again.")]
pub(crate) struct InvalidStaffName;

impl StaffName {
    /// The name with this text; spaces around it are left out.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidStaffName> {
        let name = text.trim();
        let is_name = (1..=STAFF_NAME_CHARS_MAX).contains(&name.chars().count()) && !name.contains(char::is_control);
        if is_name { Ok(Self(name.to_owned())) } else { Err(InvalidStaffName) }
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What is compared: two people with the same key could not be told apart.
    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_on_a_tile_and_capitals_make_no_other_person() {
        assert_eq!(StaffName::parse("  Sari ").unwrap().as_str(), "Sari");
        assert_eq!(StaffName::parse("SARI").unwrap().key(), StaffName::parse("sari").unwrap().key());
        assert!(StaffName::parse(&"é".repeat(40)).is_ok());
        for wrong in ["", "  ", "Sari\nOwner", "\u{0}", &"x".repeat(41)] {
            assert_eq!(StaffName::parse(wrong), Err(InvalidStaffName), "{wrong:?}");
        }
    }
}
