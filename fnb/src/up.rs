//! `fnb up`: every service in one process.

use std::{io::Write, sync::Arc, time::Duration};

use access::Access;
use analytics::AnalyticsSettings;
use axum::Router;
use bus::MemoryBus;
use cache::MemoryCache;
use clock::Clock;
use contracts::{
    shop::{ShopRules, ShopSettings},
    staff::Role,
};
use db::{Db, InstanceLock, InstanceLockError, InvalidServerUrl};
use gateway::{DemoDoorError, DemoDoors, FirstStart, Gateway, GatewaySettings};
use host::{Databases, Service, ServiceContext, ServiceHost, SharedShopRules};
use payment::{PaymentSettings, QrisSettings};
use web::ServiceRegistry;

use crate::{config::Config, databases, demo, devices, serve, staff};

/// The shop could not be started, or was stopped by a fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// A database did not open.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// Another program runs this shop.
    #[error("another fnb runs the shop in {0}. Stop it first, or {or_else}", or_else = or_else(.0))]
    Taken(Databases),
    /// Another program runs this shop since the connection to the server was lost.
    #[error("another fnb runs the shop in {0} since the connection to the server was lost: this one has stopped")]
    Lost(Databases),
    /// The setting `database` is no address.
    #[error("the setting `database` is not the address of a server")]
    Database(#[from] InvalidServerUrl),
    /// A port is taken.
    #[error(transparent)]
    Listen(#[from] crate::serve::ListenError),
    /// The demo shop could not be filled, or the shop is not the demo's.
    #[error("no demo")]
    Demo(#[from] demo::DemoError),
    /// The owner of the demo shop cannot sign in.
    #[error("the demo shop has no owner who could fill it")]
    DemoOwner(#[from] DemoDoorError),
    /// The first till has no pairing code.
    #[error("the first till cannot be paired")]
    FirstTill(#[from] devices::DevicesError),
    /// The default settings are not a shop.
    #[error("the default settings are not a shop")]
    Shop(#[from] contracts::shop::InvalidShop),
    /// Nobody reads the `ready` line.
    #[error("standard output cannot be written")]
    Output(#[from] std::io::Error),
}

/// Runs the shop until Ctrl-C or SIGTERM.
pub(crate) async fn up(config: Config) -> Result<(), UpError> {
    web::install_metrics();
    let context = context(&config)?;
    let mut instance_lock = lock_instance(&context.databases).await?;
    let Opened { services, demo_doors, new_shop } = open_services(&config, &context).await?;
    let open_doors = demo_doors.clone().filter(|_| config.listen.is_loopback());
    let origin = gateway::origin(&context, &services, GatewaySettings { demo_doors: open_doors });
    let routers: Vec<_> = services.iter().map(|service| (service.name, service.router.clone())).collect();
    let host = match demo_doors {
        Some(doors) => start_demo(&context, services, &origin, &doors).await?,
        None => ServiceHost::start(&context, services),
    };

    let (server, address) = serve::listen(&config, &context, origin, routers).await?;
    writeln!(std::io::stdout(), "ready http://{address}")?;
    std::io::stdout().flush()?;
    if let Some(database) = new_shop {
        devices::print_first_till(&database, &serve::origin(&config, address)).await?;
    }

    let listening = Arc::clone(&context.bus);
    let mut is_lost = false;
    let stopped = async {
        tokio::select! {
            () = web::stop_signal() => {}
            () = instance_lock.lost() => is_lost = true,
        }
    };
    server.run(stopped, async move { listening.close_subscriptions() }).await;
    tracing::info!("stopping");
    host.stop().await;
    if is_lost { Err(UpError::Lost(context.databases)) } else { Ok(()) }
}

/// Starts the services of the demo shop, and fills it as its owner.
async fn start_demo(
    context: &ServiceContext,
    services: Vec<Service>,
    origin: &Router,
    doors: &DemoDoors,
) -> Result<ServiceHost, UpError> {
    let owner = doors.sign_in(Role::Owner).await?.token;
    demo::refuse_others(origin.clone(), &owner).await?;
    let host = ServiceHost::start(context, services);
    demo::fill(origin.clone(), &owner).await?;
    Ok(host)
}

/// What to do about a shop that another program runs, beside stopping that.
fn or_else(taken: &Databases) -> &'static str {
    if taken.is_server() {
        "choose another shop with --database-prefix. If its machine lost power or its network, the server lets go of the shop after half a minute"
    } else {
        "choose another shop with --data"
    }
}

/// The shop, for this process alone.
async fn lock_instance(databases: &Databases) -> Result<InstanceLock, UpError> {
    databases.lock_instance().await.map_err(|error| match error {
        InstanceLockError::Taken => UpError::Taken(databases.clone()),
        InstanceLockError::Open(error) => error.into(),
    })
}

fn context(config: &Config) -> Result<ServiceContext, UpError> {
    let clock = Clock::system();
    Ok(ServiceContext {
        databases: databases::of(config)?,
        access: Access::new(clock.clone()),
        bus: Arc::new(MemoryBus::new()),
        cache: Arc::new(MemoryCache::new()),
        services: ServiceRegistry::new(),
        clock,
        shop: SharedShopRules::new(ShopRules::new(ShopSettings::default())?),
    })
}

/// The services, opened.
struct Opened {
    services: Vec<Service>,
    /// The doors of a demo shop. `None`: it is a real one.
    demo_doors: Option<DemoDoors>,
    /// The gateway's database, if this real shop was started for the first time.
    new_shop: Option<Db>,
}

/// Gateway first, because it shares the shop's settings with the others.
async fn open_services(config: &Config, context: &ServiceContext) -> Result<Opened, UpError> {
    let first_start = FirstStart { owner_pin: config.owner_pin.clone().map(|pin| pin.0), is_demo: config.demo };
    let Gateway { service: gateway, first_staff, demo_doors } = gateway::open(context, first_start).await?;
    // At once: if another service does not open, the PINs are stored already.
    staff::print_first(&first_staff);
    let (order, payment, product, inventory, qr, analytics) = tokio::try_join!(
        order::open(context),
        payment::open(context, payment_settings(config)),
        product::open(context),
        inventory::open(context),
        qr::open(context),
        analytics::open(context, analytics_settings(config)),
    )?;
    let is_new = !first_staff.is_empty() && !config.demo;
    Ok(Opened {
        new_shop: is_new.then(|| gateway.db.clone()),
        services: vec![gateway, order, payment, product, inventory, qr, analytics],
        demo_doors: config.demo.then_some(demo_doors),
    })
}

fn payment_settings(config: &Config) -> PaymentSettings {
    let mock = config.mock_qris_ms.or(config.demo.then_some(0));
    PaymentSettings { qris: mock.map(|ms| QrisSettings::Mock { delay: Duration::from_millis(ms) }) }
}

fn analytics_settings(config: &Config) -> AnalyticsSettings {
    AnalyticsSettings {
        every: Duration::from_secs(config.report_every_seconds),
        after_sale: Duration::from_secs(config.report_after_sale_seconds),
    }
}
