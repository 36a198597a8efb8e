//! The errors of the shop's settings, and the problems that they become.

use axum::http::StatusCode;
use contracts::{money::Currency, shop::InvalidShop};
use db::DbError;
use web::{CallError, Problem};

/// The settings were not replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A setting is not valid.
    #[error("a setting is not valid")]
    Invalid(#[from] InvalidShop),
    /// Somebody else changed them since the client read them.
    #[error("the settings have version {current} now")]
    VersionMismatch { current: i64 },
    /// The menu has prices in another currency.
    #[error("the menu has prices in {priced}")]
    CurrencyFixed { wanted: Currency, priced: Currency },
    /// Products name a tax that would be removed.
    #[error("products name the tax {name}")]
    TaxInUse { name: String },
    /// The menu's currencies and taxes are not known.
    #[error("the menu cannot be checked")]
    Menu(#[from] CallError),
    /// The database.
    #[error("the settings cannot be read or written")]
    Db(#[from] DbError),
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Invalid(invalid) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-shop",
                "A setting is not valid",
                format!("{invalid}. Correct it and send the whole document again."),
            ),
            SettingsError::VersionMismatch { current } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "shop-changed-meanwhile",
                "Somebody else changed the settings",
                format!(
                    "The shop's settings were changed since you read them; they have version {current} now. \
                     Read them again, make your change in them, and send them with their new ETag."
                ),
            ),
            SettingsError::CurrencyFixed { wanted, priced } => Self::conflict(
                "currency-fixed",
                "The currency cannot change",
                format!(
                    "The menu has prices in {priced}, and the same numbers in {wanted} would be other prices. Archive those \
                     products first, then change the currency and enter the prices again."
                ),
            ),
            SettingsError::TaxInUse { name } => Self::conflict(
                "tax-in-use",
                "The tax is in use",
                format!(
                    "Products on the menu name the tax {name}, so it cannot be removed or renamed. Give those products \
                     another tax first, or keep {name} beside the new one."
                ),
            ),
            SettingsError::Menu(error) => error.into(),
            SettingsError::Db(error) => error.into(),
        }
    }
}
