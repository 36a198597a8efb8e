//! How the shop trades at the moment: one document for every service of the process.

use std::sync::{Arc, PoisonError, RwLock};

use bus::{Bus, Received};
use contracts::{
    event::{CloudEvent, EventKind, ShopChanged},
    shop::ShopRules,
};

use tokio_util::sync::CancellationToken;

/// The shop's settings as they are now. Clones show the same.
#[derive(Clone, Debug)]
pub struct SharedShopRules(Arc<RwLock<Version>>);

#[derive(Debug)]
struct Version {
    number: i64,
    shop: Arc<ShopRules>,
}

impl SharedShopRules {
    /// DbOptions that any others replace.
    #[must_use]
    pub fn new(shop: ShopRules) -> Self {
        Self(Arc::new(RwLock::new(Version { number: 0, shop: Arc::new(shop) })))
    }

    /// The settings as they are now.
    #[must_use]
    pub fn current(&self) -> Arc<ShopRules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).shop)
    }

    /// Takes these settings if they are newer. Answers whether it did.
    #[must_use = "false: newer settings were there already"]
    pub fn offer(&self, version: i64, shop: ShopRules) -> bool {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_newer = version > kept.number;
        if is_newer {
            *kept = Version { number: version, shop: Arc::new(shop) };
        }
        is_newer
    }
}

/// Takes the settings that the gateway says from now on, until the stop or the end of the bus.
pub(crate) fn follow(
    feed: SharedShopRules,
    bus: &dyn Bus,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let mut changes = bus.subscribe(&[EventKind::ShopChanged]);
    async move {
        while let Some(Some(heard)) = shutdown.run_until_cancelled(changes.next()).await {
            match heard {
                Received::Event(event) => take(&feed, &event),
                // The oldest are lost, and the newest, which is all that counts, is still to come: every change holds
                // the whole settings, and nothing else makes this listener fall behind.
                Received::Lagged => tracing::debug!("older settings of the shop were skipped"),
            }
        }
    }
}

fn take(feed: &SharedShopRules, event: &CloudEvent) {
    let read = event.data::<ShopChanged>().map_err(|error| error.to_string());
    let shop = read.and_then(|change| {
        let shop = ShopRules::new(change.settings).map_err(|error| error.to_string())?;
        Ok((change.version, shop))
    });
    match shop {
        Ok((version, shop)) => {
            if feed.offer(version, shop) {
                tracing::info!(version, "the shop trades by new settings");
            }
        }
        Err(error) => tracing::error!(event = %event.id, error, "the shop's new settings cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use contracts::shop::ShopSettings;

    use super::*;

    fn shop(name: &str) -> ShopRules {
        ShopRules::new(ShopSettings { name: name.into(), ..ShopSettings::default() }).unwrap()
    }

    #[test]
    fn only_newer_settings_replace_the_shops() {
        let feed = SharedShopRules::new(shop("Kopi Nol"));
        assert!(feed.offer(2, shop("Kopi Dua")));
        assert!(!feed.offer(1, shop("Kopi Satu")));
        assert!(!feed.offer(2, shop("Kopi Dua Lain")));
        assert_eq!(feed.current().settings().name, "Kopi Dua");
    }
}
