//! The owner's reports: sums of business days, favorites, the trend, recent orders.
//!
//! Owns fact tables and daily sums, and fills them from the `etl_*` views of other services: every hour, at the start,
//! and soon after an order changed. Consumes every event, only to know that something changed. Publishes nothing.
//! Reports never read another service's tables, so that they do not slow sales down.

mod commands;
mod consumers;
mod error;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use db::{OpenError, Schema};
use host::{Service, ServiceContext, Timer};

use commands::Analytics;

pub use model::AnalyticsSettings;

/// The service's name.
pub const NAME: &str = "analytics";

/// Analytics' tables, in `analytics_db`.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__facts", include_str!("../migrations/V1__facts.sql"))] };

/// How often the timer checks whether a run is due.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Opens the service. The other services' databases may come later.
pub async fn open(context: &ServiceContext, settings: AnalyticsSettings) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let analytics = Analytics::new(db.clone(), context, settings);
    let (router, openapi) = http::router(analytics.clone(), &context.access, host::ready(&db));
    let consumer = consumers::consumer(&db, analytics.clone());
    commands::describe();
    let check_every = CHECK_EVERY.min(settings.after_sale);
    let extraction = Timer::new("extract orders", check_every, analytics, |analytics| async move {
        analytics.extract_orders_if_due().await
    });
    Ok(Service { name: NAME, router, openapi, db, consumer: Some(consumer), timers: vec![extraction] })
}
