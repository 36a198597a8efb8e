//! At start: the stored settings become the rules of this process.

use contracts::shop::{InvalidShop, ShopRules, ShopSettings};
use db::DbError;

use super::Settings;
use crate::store;

/// The stored settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// They were valid for another version of the program.
    #[error("the stored settings are not valid")]
    Invalid(#[from] InvalidShop),
    /// They cannot be read.
    #[error("the stored settings cannot be read")]
    Db(#[from] DbError),
}

impl Settings {
    /// Shares the stored settings with every service of this process. A new shop gets the default settings.
    pub(crate) async fn load_settings(&self) -> Result<(), LoadError> {
        let now = self.clock.now();
        let stored = self
            .db
            .write(move |tx| {
                store::insert_settings_once(tx, &ShopSettings::default(), now)?;
                store::get_settings(tx)
            })
            .await?;
        self.share(stored.version, ShopRules::new(stored.settings)?);
        Ok(())
    }
}
