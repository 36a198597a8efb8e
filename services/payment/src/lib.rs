//! Payment: takes the money of an order, once.
//!
//! Owns payments, their QR codes and the ledger of money that moved. Consumes the events that open and close orders,
//! and PaymentOrphaned; publishes PaymentCompleted when an order is paid. Does not know what was ordered.
//! Only a gateway, a cashier or a manager can report that money arrived.

mod commands;
mod consumers;
mod error;
pub mod gateways;
mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use db::{OpenError, Schema};
use host::{Service, ServiceContext, Timer};

pub use gateways::QrisSettings;

use crate::{
    commands::Payments,
    gateways::{GATEWAY_TIMEOUT, GatewayClient, MockGateway},
};

/// The service's name.
pub const NAME: &str = "payment";

/// Payment's tables, in `payments_db`.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__payments", include_str!("../migrations/V1__payments.sql"))] };

/// How often the gateway is polled for QR payments that are due: a guest who has paid waits no longer than this.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest poll interval, for a mock gateway that pays sooner: each poll is a query.
const POLL_INTERVAL_MIN: Duration = Duration::from_millis(50);

/// How this shop takes money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentSettings {
    /// Which gateway makes QR codes. `None`: QRIS is off.
    pub qris: Option<QrisSettings>,
}

/// Opens the service: its database, routes, consumer and timer.
///
/// # Errors
/// If its database cannot be opened or migrated.
pub async fn open(context: &ServiceContext, settings: PaymentSettings) -> Result<Service, OpenError> {
    match settings.qris {
        None => open_with_gateway(context, None, POLL_INTERVAL).await,
        Some(QrisSettings::Mock { delay }) => {
            let mock = Arc::new(MockGateway::new(delay, context.clock.clone()));
            // With a delay of zero the mock pays at once, so there is nothing to poll for.
            let poll_interval =
                if delay.is_zero() { POLL_INTERVAL } else { delay.clamp(POLL_INTERVAL_MIN, POLL_INTERVAL) };
            open_with_gateway(context, Some(GatewayClient::new(mock, GATEWAY_TIMEOUT)), poll_interval).await
        }
    }
}

async fn open_with_gateway(
    context: &ServiceContext,
    gateway: Option<GatewayClient>,
    poll_interval: Duration,
) -> Result<Service, OpenError> {
    let db = context.databases.open(&SCHEMA).await?;
    let payments = Payments::new(db.clone(), context, gateway, poll_interval);
    let (router, openapi) = http::router(payments.clone(), &context.access, host::ready(&db));

    let poll_gateway = Timer::new("poll the QRIS gateway", poll_interval, payments.clone(), |payments| async move {
        payments.poll_gateway().await
    });
    Ok(Service {
        name: NAME,
        router,
        openapi,
        consumer: Some(consumers::consumer(&db, payments)),
        db,
        timers: vec![poll_gateway],
    })
}
