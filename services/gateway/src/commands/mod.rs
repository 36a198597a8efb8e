//! Reading and replacing the shop's settings.

use clock::Clock;
use contracts::{
    event::ShopChanged,
    money::Currency,
    shop::{ShopRules, ShopSettings},
};
use db::{Db, DbError, outbox};
use host::{ServiceContext, SharedShopRules};
use web::ServiceClient;

use crate::{error::SettingsError, model::Document, store};

/// The shop's settings: where they are kept, and who is told.
#[derive(Clone)]
pub(crate) struct Settings {
    db: Db,
    clock: Clock,
    feed: SharedShopRules,
    menu: ServiceClient,
}

impl Settings {
    pub(crate) fn new(db: Db, context: &ServiceContext) -> Self {
        Self { db, clock: context.clock.clone(), feed: context.shop.clone(), menu: context.services.client("product") }
    }

    /// Takes the settings from the database, where a new shop's are written first, and tells the process.
    pub(crate) async fn load(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        let document = self
            .db
            .write(move |tx| {
                store::insert_once(tx, &ShopSettings::default(), now)?;
                store::current(tx)
            })
            .await?;
        let shop = ShopRules::new(document.settings)
            .map_err(|invalid| DbError::Column { column: "settings".to_owned(), reason: invalid.to_string() })?;
        self.tell(document.version, shop);
        Ok(())
    }

    /// The settings as they are.
    pub(crate) async fn current(&self) -> Result<Document, DbError> {
        self.db.read(store::current).await
    }

    /// Replaces the settings, if they still have the version that the client `expected`, and tells every service.
    ///
    /// The menu is another service's, and asked before the write: a product that is written with the old currency or
    /// tax in that moment is not seen. Then it cannot be sold, and the log says so.
    ///
    /// # Errors
    /// [`SettingsError`]: a setting cannot be, others were faster, or the menu stands in the way.
    pub(crate) async fn replace(
        &self,
        settings: ShopSettings,
        expected: Option<i64>,
    ) -> Result<Document, SettingsError> {
        let shop = ShopRules::new(settings)?;
        let current = self.current().await?;
        if expected.is_some_and(|expected| expected != current.version) {
            return Err(SettingsError::ChangedMeanwhile { current: current.version });
        }
        self.menu_allows(&current.settings, &shop).await?;
        let document = self.write(current.version, shop.settings().clone()).await?;
        if let Err(error) = self.menu_allows(&current.settings, &shop).await {
            tracing::warn!(%error, "the menu may have changed while the settings did: look at its prices and taxes");
        }
        self.tell(document.version, shop);
        Ok(document)
    }

    /// Whether the menu can be sold by these settings after those of `before`.
    async fn menu_allows(&self, before: &ShopSettings, shop: &ShopRules) -> Result<(), SettingsError> {
        if shop.currency() != before.currency {
            self.no_prices_but_in(shop.currency()).await?;
        }
        self.no_product_names(&taxes_taken_away(before, shop.settings())).await
    }

    /// Writes the new settings and what is said of them, together. What was decided upon is version `from`.
    async fn write(&self, from: i64, settings: ShopSettings) -> Result<Document, SettingsError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let Some(document) = store::replace(tx, from, &settings, now)? else {
                    let current = store::current(tx)?.version;
                    return Err(SettingsError::ChangedMeanwhile { current });
                };
                let said = ShopChanged { version: document.version, settings: document.settings.clone() };
                outbox::append(tx, &said, now)?;
                Ok(document)
            })
            .await
    }

    /// Prices are numbers of a currency: with another one they would be other prices.
    async fn no_prices_but_in(&self, wanted: Currency) -> Result<(), SettingsError> {
        let priced: Vec<Currency> = self.menu.get("/internal/Product/currencies").await?;
        match priced.into_iter().find(|currency| *currency != wanted) {
            Some(priced) => Err(SettingsError::CurrencyFixed { wanted, priced }),
            None => Ok(()),
        }
    }

    /// A product that names a tax which is gone cannot be sold.
    async fn no_product_names(&self, taken_away: &[&str]) -> Result<(), SettingsError> {
        if taken_away.is_empty() {
            return Ok(());
        }
        let named: Vec<String> = self.menu.get("/internal/Product/taxes").await?;
        match named.into_iter().find(|name| taken_away.contains(&name.as_str())) {
            Some(name) => Err(SettingsError::TaxInUse { name }),
            None => Ok(()),
        }
    }

    /// Tells this process at once; the others hear the event.
    fn tell(&self, version: i64, shop: ShopRules) {
        if self.feed.offer(version, shop) {
            tracing::info!(version, "the shop trades by these settings");
        }
    }
}

/// The names of taxes that the shop had and will have no longer.
fn taxes_taken_away<'a>(before: &'a ShopSettings, after: &ShopSettings) -> Vec<&'a str> {
    let stays = |name: &str| after.taxes.iter().any(|tax| tax.name == name);
    before.taxes.iter().map(|tax| tax.name.as_str()).filter(|name| !stays(name)).collect()
}
