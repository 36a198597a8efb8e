//! The gateway: the shop's settings, its audit trail, and one origin for the API of every service.
//!
//! Owns `shop_settings`, the one document that holds how the shop trades, and publishes ShopChanged: the other services
//! learn the settings from that event. Owns `audit_log`, the chain of everything that people did: consumes ActAudited,
//! which every service publishes, itself too. [`origin`] is in front of them all: it passes each `/api`
//! path to the service that owns it, and serves the API's documentation and the start page. It never forwards internal
//! routes, and does not know what any request means.

mod commands;
mod consumers;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use db::{OpenError, Schema};
use host::{Service, ServiceContext};

use crate::commands::{AuditTrail, Settings};
pub use crate::commands::{find_audit_hash, list_audit_log, verify_audit_log};
pub use crate::http::{document, origin};

/// The name of this service.
pub const NAME: &str = "gateway";

/// The tables of this service.
pub const SCHEMA: Schema = Schema {
    service: NAME,
    migrations: &[
        ("V1__shop_settings", include_str!("../migrations/V1__shop_settings.sql")),
        ("V4__audit", include_str!("../migrations/V4__audit.sql")),
    ],
};

/// Opens the database and gives every service of this process the settings. A new shop gets the default settings.
///
/// # Errors
/// [`OpenError::Load`] if the stored settings cannot be read, others if the database cannot be opened.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let settings = Settings::new(db.clone(), context);
    settings.load_settings().await.map_err(|error| OpenError::load(NAME, error))?;
    let trail = AuditTrail::new(db.clone(), context);
    let (router, openapi) = http::router(settings, trail.clone(), &context.access, host::ready(&db));
    let consumer = Some(consumers::consumer(&db, trail));
    Ok(Service { name: NAME, router, openapi, db, consumer, timers: Vec::new() })
}
