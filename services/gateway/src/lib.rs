//! The gateway: the shop's settings, and one origin for the API of every service.
//!
//! Owns `shop_settings`, the one document that holds how the shop trades. Publishes ShopChanged and consumes nothing:
//! the other services learn the settings from that event. [`origin`] is in front of them all: it passes each `/api`
//! path to the service that owns it, and serves the API's documentation, the start page and the page for pairing. It never forwards internal
//! routes, and does not know what any request means.

mod commands;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use db::{OpenError, Schema};
use host::{Service, ServiceContext};

use crate::commands::Settings;
pub use crate::http::{HttpsSettings, document, origin, plain_origin};

/// The name of this service.
pub const NAME: &str = "gateway";

/// The tables of this service.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__shop_settings", include_str!("../migrations/V1__shop_settings.sql"))] };

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
    let (router, openapi) = http::router(settings, &context.access, host::ready(&db));
    Ok(Service { name: NAME, router, openapi, db, consumer: None, timers: Vec::new() })
}
