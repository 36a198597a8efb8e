//! `fnb up`: every service in one process.

use std::{io::Write, sync::Arc, time::Duration};

use analytics::AnalyticsSettings;
use bus::MemoryBus;
use cache::MemoryCache;
use clock::Clock;
use contracts::shop::{Shop, ShopSettings};
use db::InvalidDbUrl;
use host::{Databases, Host, Service, ShopFeed, Surroundings};
use payment::{PaymentSettings, QrisSettings};
use web::Peers;

use crate::{
    config::{Config, Switch},
    demo,
    folder::{Folder, FolderError},
    serve::{SERVICE_PORTS, Servers},
};

/// The shop could not be started, or was stopped by a fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// A database did not open.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The folder is another program's, or cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The setting `database` is no address.
    #[error("the setting `database` is not the address of a server: {0}")]
    Database(#[from] InvalidDbUrl),
    /// A port is taken.
    #[error(transparent)]
    Listen(#[from] crate::serve::ListenError),
    /// The demo shop could not be filled.
    #[error("the demo shop could not be filled: {0}")]
    Demo(#[from] demo::DemoError),
    /// The default settings are not a shop.
    #[error("the default settings are not a shop: {0}")]
    Shop(#[from] contracts::shop::InvalidShop),
    /// Nobody reads the `ready` line.
    #[error("standard output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Runs the shop until Ctrl-C or SIGTERM.
pub(crate) async fn up(config: Config) -> Result<(), UpError> {
    let _folder = Folder::take(&config.data)?;
    let around = surroundings(&config)?;
    let services = open_services(&config, &around).await?;
    let origin = gateway::origin(&around, &services);
    let routers: Vec<_> = services.iter().map(|service| (service.name, service.router.clone())).collect();
    let host = Host::start(&around, services);
    if config.demo {
        demo::fill(origin.clone()).await?;
    }

    let mut servers = Servers::new();
    let free_port = "Stop what listens there, or choose another port with --port (0 takes a free one).";
    let address = servers.listen("the gateway", (config.listen, config.port), origin, free_port).await?;
    if config.service_ports == Switch::On {
        let no_ports = "Stop what listens there, or go without the services' own ports: --service-ports off.";
        for (name, port) in SERVICE_PORTS {
            if let Some((_, router)) = routers.iter().find(|(service, _)| *service == name) {
                servers.listen(name, (config.listen, port), router.clone(), no_ports).await?;
            }
        }
    }
    if !config.listen.is_loopback() {
        tracing::warn!(%address, "anyone who reaches this address can sell and change everything: there is no sign-in yet");
    }
    writeln!(std::io::stdout(), "ready http://{address}")?;
    std::io::stdout().flush()?;

    let listening = Arc::clone(&around.bus);
    servers.run(web::stop_signal(), async move { listening.end_listeners() }).await;
    tracing::info!("stopping");
    host.stop().await;
    Ok(())
}

fn surroundings(config: &Config) -> Result<Surroundings, UpError> {
    Ok(Surroundings {
        databases: databases(config)?,
        bus: Arc::new(MemoryBus::new()),
        cache: Arc::new(MemoryCache::new()),
        peers: Peers::new(),
        clock: Clock::system(),
        shop: ShopFeed::new(Shop::new(ShopSettings::default())?),
    })
}

/// Where the rows are.
pub(crate) fn databases(config: &Config) -> Result<Databases, InvalidDbUrl> {
    let databases = match &config.database {
        Some(url) => Databases::postgres_prefixed(url, &config.database_prefix)?,
        None => Databases::sqlite(&config.data),
    };
    let commit_delay = Duration::from_millis(config.bench_flush_ms);
    Ok(databases.with_settings(db::Settings { commit_delay, ..db::Settings::default() }))
}

/// Gateway first: it says how the shop trades.
async fn open_services(config: &Config, around: &Surroundings) -> Result<Vec<Service>, UpError> {
    let gateway = gateway::open(around).await?;
    let (order, payment, product, inventory, qr, analytics) = tokio::try_join!(
        order::open(around),
        payment::open(around, payment_settings(config)),
        product::open(around),
        inventory::open(around),
        qr::open(around),
        analytics::open(around, analytics_settings(config)),
    )?;
    Ok(vec![gateway, order, payment, product, inventory, qr, analytics])
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
