//! The gateway: the shop's settings, people, devices and audit trail, and one origin for the API of every service.
//!
//! Owns `shop_settings`, the one document that holds how the shop trades; the people of the shop and their sessions; the
//! devices and their pairing; and `audit_log`, the chain of everything that people did. Publishes ShopChanged, SessionEnded, TokenKeyAdded,
//! DeviceChanged and ActAudited. Consumes ActAudited, which every service publishes. The other services learn the settings from its events
//! and verify tokens by themselves. [`origin`] is in front of them all: it passes each `/api` path to the service that
//! owns it, and serves the API's documentation, the start page and the page for pairing. It never forwards internal
//! routes, and does not know what any request means.

mod commands;
mod consumers;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use contracts::staff::{Pin, Role};
use db::{OpenError, Schema};
use host::{Service, ServiceContext, Timer};

pub use crate::commands::{
    DemoDoorError, DemoDoors, DeviceCommandError, Person, ResetPin, StaffCommandError, create_pairing_code,
    find_audit_hash, list_audit_log, list_devices, list_people, qr_in_terminal, reset_credentials, reset_pin,
    revoke_device, verify_audit_log,
};
pub use crate::http::{HttpsSettings, document, origin, plain_origin};
use crate::{
    commands::{
        AuditTrail, Credentials, Devices, KEY_ROTATION, PRUNING_PAUSE, PinCost, PinHasher, Settings, Staff, Tokens,
    },
    http::UseCases,
};

/// The name of this service.
pub const NAME: &str = "gateway";

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    service: NAME,
    migrations: &[
        ("V1__shop_settings", include_str!("../migrations/V1__shop_settings.sql")),
        ("V2__staff", include_str!("../migrations/V2__staff.sql")),
        ("V3__devices", include_str!("../migrations/V3__devices.sql")),
        ("V4__audit", include_str!("../migrations/V4__audit.sql")),
    ],
};

/// A device's last call is known to the minute.
const RECORD_SEEN_EVERY: Duration = Duration::from_secs(60);

/// How long a change of credentials that was missed, or a reset of them, goes unnoticed.
const RELOAD_CREDENTIALS_EVERY: Duration = Duration::from_secs(2);

/// How the gateway behaves, as the program was started.
#[derive(Clone, Debug, Default)]
pub struct GatewaySettings {
    /// The doors of the start page, which sign in by themselves: in the demo shop, and only if it listens on loopback.
    pub demo_doors: Option<DemoDoors>,
}

/// Who the first people of a new shop are.
#[derive(Clone, Debug, Default)]
pub struct FirstStart {
    /// The owner's PIN. `None`: a random one.
    pub owner_pin: Option<Pin>,
    /// Whether there are also a cashier and a manager.
    pub is_demo: bool,
}

/// One of the first people of a new shop.
#[derive(Clone, Debug)]
pub struct FirstStaff {
    /// The person's name.
    pub name: String,
    /// The person's role.
    pub role: Role,
    /// The random PIN, to be printed this once. `None`: the one of [`FirstStart::owner_pin`].
    pub pin: Option<Pin>,
}

/// The gateway, opened.
#[derive(Debug)]
pub struct Gateway {
    /// The service.
    pub service: Service,
    /// Who was added to a new shop. Empty: the shop has people.
    pub first_staff: Vec<FirstStaff>,
    /// The doors of a demo shop. In any other shop they are dropped.
    pub demo_doors: DemoDoors,
}

/// Opens the database and gives every service of this process the settings and the keys of tokens. A new shop gets the
/// default settings and its first people.
///
/// # Errors
/// [`OpenError::Load`] if what is stored cannot be read, others if the database cannot be opened.
pub async fn open(context: &ServiceContext, start: FirstStart) -> Result<Gateway, OpenError> {
    open_with_cost(context, start, PinCost::OWASP).await
}

async fn open_with_cost(context: &ServiceContext, start: FirstStart, cost: PinCost) -> Result<Gateway, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let settings = Settings::new(db.clone(), context);
    settings.load_settings().await.map_err(|error| OpenError::load(NAME, error))?;
    let tokens = Tokens::start(db.clone(), context).await.map_err(|error| OpenError::load(NAME, error))?;
    let pins = PinHasher::new(cost).map_err(|error| OpenError::load(NAME, error))?;
    let staff = Staff::new(db.clone(), context, tokens.clone(), pins);
    let first_staff = staff.add_first_staff(start).await.map_err(|error| OpenError::load(NAME, error))?;
    let devices = Devices::new(db.clone(), context, tokens.clone());
    devices.load_devices().await.map_err(|error| OpenError::load(NAME, error))?;
    let trail = AuditTrail::new(db.clone(), context);
    let consumer = Some(consumers::consumer(&db, trail.clone()));
    let credentials = Credentials { access: context.access.clone(), tokens: tokens.clone(), devices: devices.clone() };
    let timers = vec![
        Timer::new("reload credentials", RELOAD_CREDENTIALS_EVERY, credentials, async |credentials: Credentials| {
            credentials.reload().await
        }),
        Timer::new("token key", KEY_ROTATION, tokens, async |tokens: Tokens| tokens.rotate().await),
        Timer::new("credentials", PRUNING_PAUSE, staff.clone(), async |staff: Staff| staff.prune_credentials().await),
        Timer::new("record when devices called", RECORD_SEEN_EVERY, devices.clone(), async |devices: Devices| {
            devices.record_seen().await
        }),
    ];
    let demo_doors = DemoDoors::new(staff.clone(), devices.clone());
    let use_cases = UseCases { settings, staff, devices, trail };
    let (router, openapi) = http::router(use_cases, &context.access, host::ready(&db));
    let service = Service { name: NAME, router, openapi, db, consumer, timers };
    Ok(Gateway { service, first_staff, demo_doors })
}
