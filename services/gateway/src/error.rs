//! What can go wrong with the shop's settings.

use axum::http::StatusCode;
use contracts::{money::Currency, shop::InvalidShop};
use db::DbError;
use web::{CallError, Problem};

/// Why the settings stay as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A setting that cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidShop),
    /// Somebody else changed them since the client read them.
    #[error("the settings are at version {current} now")]
    ChangedMeanwhile { current: i64 },
    /// There are prices in another currency.
    #[error("the menu has prices in {priced}")]
    CurrencyFixed { wanted: Currency, priced: Currency },
    /// Products name a tax that would be gone.
    #[error("products name the tax {name}")]
    TaxInUse { name: String },
    /// The menu cannot say in which currencies its prices are, or which taxes it names.
    #[error(transparent)]
    Menu(#[from] CallError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Invalid(invalid) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-shop",
                "A setting that cannot be",
                format!("{invalid}. Correct it and send the whole document again."),
            ),
            SettingsError::ChangedMeanwhile { current } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "shop-changed-meanwhile",
                "Somebody else changed the settings",
                format!(
                    "The shop's settings were changed since you read them; they are at version {current} now. \
                     Read them again, make your change in them, and send them with their new ETag."
                ),
            ),
            SettingsError::CurrencyFixed { wanted, priced } => Self::conflict(
                "currency-fixed",
                "The currency cannot change",
                format!(
                    "The menu has prices in {priced}, and a price does not become another by changing its currency to \
                     {wanted}. Archive those products first, then change the currency and enter the menu's prices anew."
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
