//! The use cases of the shop's settings, its people and their sessions, its devices, and its audit trail.

mod add_first_staff;
mod create_approval;
mod create_pairing_code;
mod create_staff;
mod device_terminal;
mod devices;
mod enter_demo;
mod get_settings;
mod list_audit;
mod list_devices;
mod list_staff;
mod load_devices;
mod load_settings;
mod pair_device;
mod pin_hasher;
mod prune_credentials;
mod record_act;
mod record_seen;
mod reload_credentials;
mod renew_token;
mod replace_device;
mod replace_settings;
mod replace_staff;
mod reset_credentials;
mod revoke_device;
mod set_pin;
mod sign_in;
mod sign_out;
mod sign_out_staff;
mod staff;
mod staff_terminal;
mod tokens;
mod unlock_staff;
mod verify_audit;

use clock::Clock;
use contracts::shop::ShopRules;
use db::Db;
use host::{ServiceContext, SharedShopRules};
use web::ServiceClient;

use self::verify_audit::SharedProgress;
pub use self::{
    device_terminal::{DeviceCommandError, create_pairing_code, list_devices, qr_in_terminal, revoke_device},
    enter_demo::{DemoDoorError, DemoDoors},
    list_audit::{find_audit_hash, list_audit_log},
    reset_credentials::reset_credentials,
    staff_terminal::{Person, ResetPin, StaffCommandError, list_people, reset_pin},
    verify_audit::verify_audit_log,
};
pub(crate) use self::{
    devices::{DEVICE_TOKEN_LIFETIME, Devices},
    enter_demo::Entered,
    pin_hasher::{PinCost, PinHasher},
    prune_credentials::PRUNING_PAUSE,
    reload_credentials::Credentials,
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
