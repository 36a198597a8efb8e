//! Codes: one for each cup that a dispenser pours, and exactly one drink for each code.
//!
//! Owns `qr_codes`, `code_orders` (what events published of their orders), `devices` and `dispense_logs`. Consumes the
//! events of orders, payments and devices; publishes CodesIssued, DispenseCompleted and DispenseFailed. A device gets a *lease*
//! on a code and reports how its grant ended (the lease protocol). A lease never ends by time alone: only by the
//! device's report, its heartbeat, or staff. Does not know prices and products: the name and size of a cup come with the
//! order.
//!
//! A device is a paired dispenser: who it is says its credential. What it pours and how fast the gateway says, in
//! DeviceChanged. The numbers of signed requests only rise, so a copy of one changes nothing; with
//! a newer key they begin anew.

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

use commands::Codes;

/// The service's name.
pub const NAME: &str = "qr";

/// QR's tables, in `qr_db`.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__codes", include_str!("../migrations/V1__codes.sql"))] };

/// How late a list may show that a code expired. Scans compare the time themselves.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// How long a clock that was set back goes unnoticed, and how old the metric of reviews may be.
const REBASE_EVERY: Duration = Duration::from_secs(30);
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// Opens the service.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let codes = Codes::new(db.clone(), context);
    let (router, openapi) = http::router(codes.clone(), &context.access, host::ready(&db));
    let consumer = consumers::consumer(&db, codes.clone());
    commands::describe();
    let timers = timers(codes);
    Ok(Service { name: NAME, router, openapi, db, consumer: Some(consumer), timers })
}

fn timers(codes: Codes) -> Vec<Timer> {
    vec![
        Timer::new("expire codes", EXPIRE_EVERY, codes.clone(), |codes| async move { codes.expire_codes().await }),
        Timer::new("rebase codes", REBASE_EVERY, codes.clone(), |codes| async move { codes.rebase_codes().await }),
        Timer::new("measure reviews", MEASURE_EVERY, codes, |codes| async move { codes.measure_reviews().await }),
    ]
}
