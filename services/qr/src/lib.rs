//! Codes: one for each cup that a machine pours, and exactly one drink for each code.
//!
//! Owns `qr_codes`, `code_orders` (what events said of their orders), `devices` and `dispense_logs`. Hears of orders
//! and payments; says CodesIssued, DispenseCompleted and DispenseFailed. A machine gets a *lease* on a code and reports
//! what became of it (the lease protocol); no time frees a lease, only the machine's word, its heartbeat, or a person.
//! Refuses to know prices and products: what a cup is called and holds comes with the order.
//!
//! A machine is whoever names itself, and pours whatever is scanned at 30 ml/s. Lists of what each machine pours, with
//! the answer `wrong_machine`, and calibration come with the pairing of devices.

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

/// The service's name, by which peers call it and its database is called.
pub const NAME: &str = "qr";
/// How late the timer may be: a board that shows an expired code a second late is no harm.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// QR's tables.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__codes", include_str!("../migrations/V1__codes.sql"))] };

/// Opens the service's database and makes the service.
///
/// # Errors
/// Where the database cannot be opened or brought up to date.
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    Ok(service(Codes::open(context).await?))
}

impl Codes {
    async fn open(context: &ServiceContext) -> Result<Self, OpenError> {
        let db = context.databases.open(&SCHEMA).await?;
        let (cache, clock, shop) = (context.cache.clone(), context.clock.clone(), context.shop.clone());
        Ok(Self { db, cache, clock, shop })
    }
}

fn service(codes: Codes) -> Service {
    let (router, openapi) = web::finish(
        NAME,
        "QR codes",
        "One code for each cup, and one drink for each code.",
        http::routes(codes.clone()),
        host::ready(&codes.db),
    );
    let consumer = consumers::consumer(&codes.db, codes.clone());
    let expire =
        Timer::new("expire codes", EXPIRE_EVERY, codes.clone(), |codes| async move { codes.expire_due().await });
    Service { name: NAME, router, openapi, db: codes.db, consumer: Some(consumer), timers: vec![expire] }
}
