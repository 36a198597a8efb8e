//! What the owner reads: sums of business days, favorites, the trend, recent orders.
//!
//! Owns fact tables and daily sums of its own, and fills them from the `etl_*` views that other services keep for it:
//! every hour, at the start, and soon after something happened. Hears every event, only to know that something did.
//! Says nothing. Refuses to answer from another service's tables: a report never slows a till down.

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

/// The tables of the reports.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__facts", include_str!("../migrations/V1__facts.sql"))] };

/// How often the timer looks whether it is time to extract. Looking costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Opens the reports. The other services' databases may come later.
///
/// # Errors
/// Where its own tables cannot be opened.
pub async fn open(context: &ServiceContext, settings: AnalyticsSettings) -> Result<Service, OpenError> {
    Ok(service(Analytics::open(context, settings).await?))
}

impl Analytics {
    async fn open(context: &ServiceContext, settings: AnalyticsSettings) -> Result<Self, OpenError> {
        let db = context.databases.open(&SCHEMA).await?;
        let (databases, clock, shop) = (context.databases.clone(), context.clock.clone(), context.shop.clone());
        Ok(Self::new(db, databases, clock, shop, settings))
    }
}

fn service(analytics: Analytics) -> Service {
    let (db, look_every) = (analytics.db.clone(), LOOK_EVERY.min(analytics.settings.after_sale));
    let (router, openapi) = web::finish(
        NAME,
        "Analytics",
        "What was sold: sums of business days, favorites, the trend, recent orders.",
        http::router(analytics.clone()),
        host::ready(&db),
    );
    let consumer = consumers::consumer(&db, analytics.clone());
    let extraction =
        Timer::new("extraction", look_every, analytics, |analytics| async move { analytics.extract_if_due().await });
    Service { name: NAME, router, openapi, db, consumer: Some(consumer), timers: vec![extraction] }
}
