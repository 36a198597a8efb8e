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

use contracts::event::Queue;
use db::{OpenError, Schema};
use host::{Service, Surroundings, Timer};

use commands::Codes;

/// The service's name, by which peers call it and its database is called.
pub const SERVICE: &str = "qr";
/// The name of its consumer in the inbox.
const CONSUMER: &str = "qr";
/// How late the timer may be: a board that shows an expired code a second late is no harm.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// QR's tables.
pub const SCHEMA: Schema =
    Schema { service: SERVICE, migrations: &[("V1__codes", include_str!("../migrations/V1__codes.sql"))] };

/// Opens the service's database and makes the service.
///
/// # Errors
/// Where the database cannot be opened or brought up to date.
pub async fn open(around: &Surroundings) -> Result<Service, OpenError> {
    Ok(service(Codes::open(around).await?))
}

impl Codes {
    async fn open(around: &Surroundings) -> Result<Self, OpenError> {
        let db = around.databases.open(&SCHEMA).await?;
        let (cache, clock, shop) = (around.cache.clone(), around.clock.clone(), around.shop.clone());
        Ok(Self { db, cache, clock, shop })
    }
}

fn service(codes: Codes) -> Service {
    let (router, openapi) = web::finish(
        SERVICE,
        "QR codes",
        "One code for each cup, and one drink for each code.",
        http::routes(codes.clone()),
        host::ready(&codes.db),
    );
    let heard = codes.clone();
    let consumer = host::consumer(&codes.db, CONSUMER, move |event| consumers::hear(heard.clone(), event));
    let timed = codes.clone();
    let expire = Timer::new("expire-codes", EXPIRE_EVERY, move || {
        let codes = timed.clone();
        async move { codes.expire_due().await.map_err(|error| error.to_string()) }
    });
    Service {
        name: SERVICE,
        router,
        openapi,
        db: codes.db,
        consumer: Some((Queue::Qr, consumer)),
        timers: vec![expire],
    }
}
