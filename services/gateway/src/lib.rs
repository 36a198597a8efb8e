//! The gateway: the shop's settings, and one origin for the API of every service.
//!
//! Owns `shop_settings`, the one document that says how the shop trades. Says ShopChanged, and hears nothing: the other
//! services know how the shop trades from what it says. In front of them all stands [`origin`]: it passes each `/api`
//! path to the service that owns it, and serves the API's documentation and the start page. It never passes on what
//! services say to each other, and refuses to know what any request means.

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
pub use crate::http::{document, origin};

/// The name by which this service is known.
const NAME: &str = "gateway";

/// The gateway's tables.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__shop_settings", include_str!("../migrations/V1__shop_settings.sql"))] };

/// Opens the shop's settings, those of a new shop the first time, and tells every service of this process.
///
/// # Errors
/// [`OpenError`]: the database cannot be opened or read.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let settings = Settings::new(db.clone(), context);
    settings.load().await.map_err(|error| OpenError::load(NAME, error))?;
    let (router, openapi) = http::settings_routes(settings, host::ready(&db));
    Ok(Service { name: NAME, router, openapi, db, consumer: None, timers: Vec::new() })
}
