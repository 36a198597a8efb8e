//! The settings and their version.

use std::collections::BTreeMap;

use contracts::shop::ShopSettings;
use serde_json::value::RawValue;

/// The settings at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Grows with every change.
    pub(crate) version: i64,
    /// The whole document.
    pub(crate) settings: ShopSettings,
}

/// The settings that another release of the program may have kept: a setting that it did not know is as in a new shop,
/// and one that is not known any more is left out. What is within a setting, such as a tax, is read as it is.
///
/// # Errors
/// Where a setting cannot be read.
pub(crate) fn kept_settings(kept: &str) -> serde_json::Result<ShopSettings> {
    type Fields = BTreeMap<String, Box<RawValue>>;
    let mut fields: Fields = serde_json::from_str(&serde_json::to_string(&ShopSettings::default())?)?;
    for (name, value) in serde_json::from_str::<Fields>(kept)? {
        fields.entry(name).and_modify(|field| *field = value);
    }
    serde_json::from_str(&serde_json::to_string(&fields)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_older_and_of_a_newer_release_are_read() {
        let kept = r#"{"name": "Kopi Pagi", "cashRounding": 0.05, "currency": "USD", "loyaltyPoints": {"each": 10}}"#;
        let read = kept_settings(kept).unwrap();
        assert_eq!((read.name.as_str(), read.cash_rounding.to_string().as_str()), ("Kopi Pagi", "0.05"));
        assert_eq!(read.code_validity_seconds, ShopSettings::default().code_validity_seconds);
        assert!(kept_settings(r#"{"name": 7}"#).is_err());
    }
}
