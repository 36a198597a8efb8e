//! Payment: takes the money of an order, once.
//!
//! Owns payments, their QRs and the ledger of money that moved. Hears when an order is placed, revived, cancelled or
//! expired, and which money its order could not take. Says PaymentCompleted, when an order's money is here. Refuses to
//! know what was ordered, and to believe anyone but a gateway, a till or a manager that money came.

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

use cache::Cache;
use clock::Clock;
use db::{Db, OpenError, Schema};
use host::{Service, ServiceContext, SharedShopRules, Timer};
use web::ServiceClient;

pub use gateways::QrisSettings;
use gateways::{ANSWER_MAX, Mock, Timely};

/// The service's name.
pub const NAME: &str = "payment";

/// Payment's tables, in `payments_db`.
pub const SCHEMA: Schema =
    Schema { service: NAME, migrations: &[("V1__payments", include_str!("../migrations/V1__payments.sql"))] };

/// How often gateways are asked about QRs that are due for it: as long as a guest looks at a paid QR with patience.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// The least of it, for a mock gateway that pays sooner: each pass is a query.
const CHECK_EVERY_MIN: Duration = Duration::from_millis(50);

/// How this shop takes money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentSettings {
    /// Who makes QRs. `None`: QRIS is off.
    pub qris: Option<QrisSettings>,
}

/// What commands need.
#[derive(Clone)]
pub(crate) struct Payments {
    db: Db,
    gateway: Option<Timely>,
    order: ServiceClient,
    cache: Arc<dyn Cache>,
    clock: Clock,
    shop: SharedShopRules,
    check_every: Duration,
}

/// Opens the service.
///
/// # Errors
/// Where its database cannot be opened or migrated.
pub async fn open(context: &ServiceContext, settings: PaymentSettings) -> Result<Service, OpenError> {
    match settings.qris {
        None => open_with(context, None, CHECK_EVERY).await,
        Some(QrisSettings::Mock { delay }) => {
            let mock = Arc::new(Mock::new(delay, context.clock.clone()));
            // One that pays at once leaves nothing to ask about.
            let check_every = if delay.is_zero() { CHECK_EVERY } else { delay.clamp(CHECK_EVERY_MIN, CHECK_EVERY) };
            open_with(context, Some(Timely::new(mock, ANSWER_MAX)), check_every).await
        }
    }
}

async fn open_with(
    context: &ServiceContext,
    gateway: Option<Timely>,
    check_every: Duration,
) -> Result<Service, OpenError> {
    let payments = Payments {
        db: context.databases.open(&SCHEMA).await?,
        gateway,
        order: context.services.client("order"),
        cache: context.cache.clone(),
        clock: context.clock.clone(),
        shop: context.shop.clone(),
        check_every,
    };
    let (router, openapi) = http::routes(&payments);
    let ask_gateways =
        Timer::new("ask gateways", check_every, payments.clone(), |payments| async move { payments.check_due().await });
    Ok(Service {
        name: NAME,
        router,
        openapi,
        db: payments.db.clone(),
        consumer: Some(consumers::consumer(&payments.db, payments.clone())),
        timers: vec![ask_gateways],
    })
}
