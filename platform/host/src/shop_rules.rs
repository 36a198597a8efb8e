//! The shop's rules: one document for every service of the process, which follows the settings.

use std::sync::{Arc, PoisonError, RwLock};

use bus::{Bus, Received};
use contracts::{
    event::{CloudEvent, EventKind, ShopChanged},
    shop::ShopRules,
};
use errors::BoxError;
use tokio_util::sync::CancellationToken;

/// The shop's rules as they are now. Clones share them.
#[derive(Clone, Debug)]
pub struct SharedShopRules(Arc<RwLock<Versioned>>);

#[derive(Debug)]
struct Versioned {
    version: i64,
    rules: Arc<ShopRules>,
}

impl SharedShopRules {
    /// Rules of version 0, which every other version replaces.
    #[must_use]
    pub fn new(rules: ShopRules) -> Self {
        Self(Arc::new(RwLock::new(Versioned { version: 0, rules: Arc::new(rules) })))
    }

    /// The rules as they are now.
    #[must_use]
    pub fn current(&self) -> Arc<ShopRules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).rules)
    }

    /// Replaces the rules if `version` is newer. Returns whether it was.
    #[must_use = "false: the rules were as new already"]
    pub fn replace_if_newer(&self, version: i64, rules: ShopRules) -> bool {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_newer = version > current.version;
        if is_newer {
            *current = Versioned { version, rules: Arc::new(rules) };
        }
        is_newer
    }
}

/// Follows the settings that the gateway publishes, until the shutdown or the end of the bus.
pub(crate) fn follow(
    shop: SharedShopRules,
    bus: &dyn Bus,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let mut changes = bus.subscribe(&[EventKind::ShopChanged]);
    async move {
        while let Some(Some(received)) = shutdown.run_until_cancelled(changes.next()).await {
            match received {
                Received::Event(event) => apply(&shop, &event),
                // The oldest changes are lost, and the newest is still to come. It is the only one that counts, because
                // every change holds the complete settings.
                Received::Lagged => tracing::debug!("older shop settings were skipped"),
            }
        }
    }
}

fn apply(shop: &SharedShopRules, event: &CloudEvent) {
    match read(event) {
        Ok((version, rules)) => {
            if shop.replace_if_newer(version, rules) {
                tracing::info!(version, "shop settings replaced");
            }
        }
        Err(error) => {
            tracing::error!(event = %event.id, error = %errors::chain(&*error), "shop settings cannot be read");
        }
    }
}

fn read(event: &CloudEvent) -> Result<(i64, ShopRules), BoxError> {
    let change = event.data::<ShopChanged>()?;
    Ok((change.version, ShopRules::new(change.settings)?))
}

#[cfg(test)]
mod tests {
    use contracts::shop::ShopSettings;

    use super::*;

    fn rules(name: &str) -> ShopRules {
        ShopRules::new(ShopSettings { name: name.into(), ..ShopSettings::default() }).unwrap()
    }

    #[test]
    fn only_newer_rules_replace_the_shops() {
        let shop = SharedShopRules::new(rules("Kopi Nol"));
        assert!(shop.replace_if_newer(2, rules("Kopi Dua")));
        assert!(!shop.replace_if_newer(1, rules("Kopi Satu")));
        assert!(!shop.replace_if_newer(2, rules("Kopi Dua Lain")));
        assert_eq!(shop.current().settings().name, "Kopi Dua");
    }
}
