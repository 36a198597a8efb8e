//! `PUT /api/Shop`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    event::ShopChanged,
    money::Currency,
    shop::{ShopRules, ShopSettings},
    time::Timestamp,
};
use db::{DbResult, outbox};

use super::Settings;
use crate::{error::SettingsError, model::VersionedSettings, store};

impl Settings {
    /// Replaces the settings if they still have the version that the client read, and shares them.
    ///
    /// The menu belongs to another service and is checked before the write. A product that takes the old currency or tax
    /// at that moment is missed: it cannot be sold, and the log names it.
    pub(crate) async fn replace_settings(
        &self,
        actor: Actor,
        settings: ShopSettings,
        expected_version: Option<i64>,
    ) -> Result<VersionedSettings, SettingsError> {
        let rules = ShopRules::new(settings)?;
        let current = self.get_settings().await?;
        if expected_version.is_some_and(|expected| expected != current.version) {
            return Err(SettingsError::VersionMismatch { current: current.version });
        }
        self.check_menu(&current.settings, &rules).await?;
        let replaced = self.write(actor, current.clone(), rules.settings().clone()).await?;
        if let Err(error) = self.check_menu(&current.settings, &rules).await {
            tracing::warn!(error = %errors::chain(&error), "menu may contradict shop settings");
        }
        self.share(replaced.version, rules);
        Ok(replaced)
    }

    /// Whether the menu that is sold with `before` can be sold with `after`.
    async fn check_menu(&self, before: &ShopSettings, after: &ShopRules) -> Result<(), SettingsError> {
        if after.currency() != before.currency {
            self.check_currency(after.currency()).await?;
        }
        self.check_taxes(&removed_taxes(before, after.settings())).await
    }

    /// Writes the settings, ShopChanged and the act in one transaction, if the version is still that of `from`.
    async fn write(
        &self,
        actor: Actor,
        from: VersionedSettings,
        settings: ShopSettings,
    ) -> Result<VersionedSettings, SettingsError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let Some(replaced) = store::replace_settings(tx, from.version, &settings, now)? else {
                    let current = store::get_settings(tx)?.version;
                    return Err(SettingsError::VersionMismatch { current });
                };
                let event = ShopChanged { version: replaced.version, settings: replaced.settings.clone() };
                outbox::append(tx, &event, now)?;
                outbox::append_act(tx, settings_changed(actor.clone(), &from.settings, &settings, now)?)?;
                Ok(replaced)
            })
            .await
    }

    /// Refuses a currency while there are prices in another one: the same numbers would be other prices.
    async fn check_currency(&self, wanted: Currency) -> Result<(), SettingsError> {
        let currencies: Vec<Currency> = self.product.get("/internal/Product/currencies").await?;
        match currencies.into_iter().find(|currency| *currency != wanted) {
            Some(priced) => Err(SettingsError::CurrencyFixed { wanted, priced }),
            None => Ok(()),
        }
    }

    /// Refuses to remove a tax that a product names: that product could not be sold.
    async fn check_taxes(&self, removed: &[&str]) -> Result<(), SettingsError> {
        if removed.is_empty() {
            return Ok(());
        }
        let taxes: Vec<String> = self.product.get("/internal/Product/taxes").await?;
        match taxes.into_iter().find(|name| removed.contains(&name.as_str())) {
            Some(name) => Err(SettingsError::TaxInUse { name }),
            None => Ok(()),
        }
    }
}

/// The act for the audit trail.
fn settings_changed(actor: Actor, before: &ShopSettings, after: &ShopSettings, now: Timestamp) -> DbResult<AuditEntry> {
    let act = AuditEntry::new(actor, AuditArea::Setting, "shop.changed", "shop", &*after.name, now);
    Ok(act.with_change(before, after)?)
}

/// The names of the taxes that `after` no longer has.
fn removed_taxes<'a>(before: &'a ShopSettings, after: &ShopSettings) -> Vec<&'a str> {
    let remains = |name: &str| after.taxes.iter().any(|tax| tax.name == name);
    before.taxes.iter().map(|tax| tax.name.as_str()).filter(|name| !remains(name)).collect()
}
