//! The use cases of the shop's settings, its people and their sessions, and its audit trail.

mod add_first_staff;
mod get_settings;
mod list_audit;
mod list_staff;
mod load_settings;
mod pin_hasher;
mod record_act;
mod replace_settings;
mod sign_in;
mod sign_out;
mod staff;
mod tokens;
mod verify_audit;

use clock::Clock;
use contracts::shop::ShopRules;
use db::Db;
use host::{ServiceContext, SharedShopRules};
use web::ServiceClient;

use self::verify_audit::SharedProgress;
pub use self::{
    list_audit::{find_audit_hash, list_audit_log},
    verify_audit::verify_audit_log,
};
pub(crate) use self::{
    pin_hasher::{PinCost, PinHashError, PinHasher, PinQueueFull},
    staff::Staff,
    tokens::{KEY_ROTATION, Tokens},
};

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

/// The audit trail: where it is stored, and how far it was verified.
#[derive(Clone)]
pub(crate) struct AuditTrail {
    db: Db,
    clock: Clock,
    shop: SharedShopRules,
    progress: SharedProgress,
}

impl AuditTrail {
    pub(crate) fn new(db: Db, context: &ServiceContext) -> Self {
        Self { db, clock: context.clock.clone(), shop: context.shop.clone(), progress: SharedProgress::default() }
    }
}
