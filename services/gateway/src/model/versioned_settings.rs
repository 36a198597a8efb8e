//! The settings and their version.

use std::collections::BTreeMap;

use contracts::shop::ShopSettings;
use serde_json::value::RawValue;

/// The settings, and the version that a change must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionedSettings {
    /// Grows with every change.
    pub(crate) version: i64,
    /// The whole document.
    pub(crate) settings: ShopSettings,
}

/// Settings that another release of the program may have stored: a setting that is missing has its default, and one that
/// is unknown is left out. What is inside a setting, such as a tax, is read as it is.
pub(crate) fn parse_stored_settings(stored: &str) -> serde_json::Result<ShopSettings> {
    type Fields = BTreeMap<String, Box<RawValue>>;
    let mut fields: Fields = serde_json::from_str(&serde_json::to_string(&ShopSettings::default())?)?;
    for (name, value) in serde_json::from_str::<Fields>(stored)? {
        fields.entry(name).and_modify(|field| *field = value);
    }
    serde_json::from_str(&serde_json::to_string(&fields)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_older_and_of_a_newer_release_are_read() {
        let stored = r#"{"name": "Kopi Pagi", "cashRounding": 0.05, "currency": "USD", "loyaltyPoints": {"each": 10}}"#;
        let read = parse_stored_settings(stored).unwrap();
        assert_eq!((read.name.as_str(), read.cash_rounding.to_string().as_str()), ("Kopi Pagi", "0.05"));
        assert_eq!(read.code_validity_seconds, ShopSettings::default().code_validity_seconds);
        assert!(parse_stored_settings(r#"{"name": 7}"#).is_err());
    }
}
