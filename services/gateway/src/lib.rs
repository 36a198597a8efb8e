//! The gateway: the shop's settings, and one origin for the API of every service.
//!
//! Owns `shop_settings`, the one document that holds how the shop trades, and `devices` with their `pairing_codes`.
//! Publishes ShopChanged, DeviceChanged and ActAudited, and consumes nothing: the other services learn the settings and
//! the devices from those events. [`origin`] is in front of them all: it passes each `/api`
//! path to the service that owns it, and serves the API's documentation, the start page and the page for
//! pairing. It never forwards internal
//! routes, and does not know what any request means.

mod commands;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use access::TokenIssuer;
use db::{OpenError, Schema};
use host::{Service, ServiceContext, Timer};

use crate::commands::{DEVICE_TOKEN_LIFETIME, Devices, Settings};
pub use crate::http::{document, origin};

/// The name of this service.
pub const NAME: &str = "gateway";

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    service: NAME,
    migrations: &[
        ("V1__shop_settings", include_str!("../migrations/V1__shop_settings.sql")),
        ("V3__devices", include_str!("../migrations/V3__devices.sql")),
    ],
};

/// A device's last call is known to the minute.
const RECORD_SEEN_EVERY: Duration = Duration::from_secs(60);

/// How the gateway behaves, as the program was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct GatewaySettings {
    /// Whether the doors of the start page sign in by themselves: in the demo shop, and only if it listens on loopback.
    pub demo: bool,
}

/// Opens the database and gives every service of this process the settings. A new shop gets the default settings.
///
/// # Errors
/// [`OpenError::Load`] if the stored settings cannot be read, others if the database cannot be opened.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let settings = Settings::new(db.clone(), context);
    settings.load_settings().await.map_err(|error| OpenError::load(NAME, error))?;
    let issuer = issuer(context)?;
    let devices = Devices::new(db.clone(), context, issuer);
    devices.load_devices().await.map_err(|error| OpenError::load(NAME, error))?;
    let (router, openapi) = http::router(settings, devices.clone(), &context.access, host::ready(&db));
    let record_seen = |devices: Devices| async move { devices.record_seen().await };
    let timers = vec![Timer::new("record when devices called", RECORD_SEEN_EVERY, devices, record_seen)];
    Ok(Service { name: NAME, router, openapi, db, consumer: None, timers })
}

/// A new key for the tokens of this process.
fn issuer(context: &ServiceContext) -> Result<Arc<TokenIssuer>, OpenError> {
    let now = context.clock.now();
    let issuer = TokenIssuer::new(now).map_err(|error| OpenError::load(NAME, error))?;
    context.access.add_key(issuer.key_id(), issuer.public_key().clone(), now + DEVICE_TOKEN_LIFETIME);
    Ok(Arc::new(issuer))
}
