//! The use cases of the shop's settings and devices.

mod create_pairing_code;
mod devices;
mod get_settings;
mod list_devices;
mod load_devices;
mod load_settings;
mod pair_device;
mod record_seen;
mod renew_token;
mod replace_device;
mod replace_settings;
mod revoke_device;

use clock::Clock;
use contracts::shop::ShopRules;
use db::Db;
use host::{ServiceContext, SharedShopRules};
use web::ServiceClient;

pub(crate) use devices::{DEVICE_TOKEN_LIFETIME, Devices};

/// The shop's settings: where they are stored, and who uses them.
#[derive(Clone)]
pub(crate) struct Settings {
    db: Db,
    clock: Clock,
    shared_rules: SharedShopRules,
    product: ServiceClient,
}

impl Settings {
    pub(crate) fn new(db: Db, context: &ServiceContext) -> Self {
        Self {
            db,
            clock: context.clock.clone(),
            shared_rules: context.shop.clone(),
            product: context.services.client("product"),
        }
    }

    /// Gives the rules to this process at once. Other processes consume the event.
    fn share(&self, version: i64, rules: ShopRules) {
        if self.shared_rules.replace_if_newer(version, rules) {
            tracing::info!(version, "shop settings changed");
        }
    }
}
