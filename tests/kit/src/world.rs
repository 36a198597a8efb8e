//! The environment of a service in a test.

use std::{
    fmt, process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use access::Access;
use axum::Router;
use bus::Bus;
use cache::MemoryCache;
use clock::Clock;
use contracts::{
    event::{CloudEvent, EventData},
    shop::{ShopRules, ShopSettings},
    staff::Role,
};
use host::{Databases, Service, ServiceContext, ServiceHost, SharedShopRules};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use tempfile::TempDir;
use tokio::sync::Mutex;
use web::ServiceRegistry;

use crate::{Client, Credentials, recording_bus::RecordingBus};

/// The time of a new world: nine in the morning in Jakarta.
const START_TIME: &str = "2026-11-22T02:00:00Z";
/// Names a PostgreSQL server without a database, `postgres://postgres@127.0.0.1:5432`, for the same tests on it.
const POSTGRES_VARIABLE: &str = "FNB_TEST_POSTGRES";

/// Gives each world of the process its own database names.
static WORLDS: AtomicU32 = AtomicU32::new(0);

/// A shop for one test, isolated from others.
pub struct World {
    /// The time. It does not change until the test moves it.
    pub clock: Clock,
    context: ServiceContext,
    bus: Arc<RecordingBus>,
    /// Signs the tokens of the test's people and devices.
    pub credentials: Credentials,
    hosts: Mutex<Vec<ServiceHost>>,
    /// Deleted with the world.
    _folder: TempDir,
}

impl World {
    /// A shop with default settings.
    pub async fn new() -> Self {
        Self::with_shop(|_| {}).await
    }

    /// A shop with some settings changed.
    pub async fn with_shop(change: impl FnOnce(&mut ShopSettings)) -> Self {
        let mut settings = ShopSettings::default();
        change(&mut settings);
        let shop = ShopRules::new(settings).expect("valid settings");
        let folder = TempDir::new().expect("a folder for the databases");
        let bus = Arc::new(RecordingBus::default());
        let clock = Clock::manual(START_TIME.parse().expect("a time"));
        let context = ServiceContext {
            databases: databases(&folder),
            bus: Arc::clone(&bus) as Arc<dyn Bus>,
            cache: Arc::new(MemoryCache::new()),
            access: Access::new(clock.clone()),
            services: ServiceRegistry::new(),
            clock: clock.clone(),
            shop: SharedShopRules::new(shop),
        };
        let credentials = Credentials::new(&context.access, clock.now());
        Self { clock, context, bus, credentials, hosts: Mutex::default(), _folder: folder }
    }

    /// The context to open a service with.
    #[must_use]
    pub fn context(&self) -> &ServiceContext {
        &self.context
    }

    /// Runs a service beside those that run already, and returns a client of it: an owner's at the till. It consumes events from now on: start
    /// every service before the first event.
    ///
    /// # Panics
    /// If its consumer has no handler for a kind that its queue subscribes to.
    pub async fn start(&self, service: Service) -> Client {
        let unhandled = service.unhandled_kinds();
        assert!(unhandled.is_empty(), "{} has no handler for {unhandled:?}", service.name);
        let client = self.client(&service.router);
        self.hosts.lock().await.push(ServiceHost::start(&self.context, vec![service]));
        client
    }

    /// A client of a router: an owner's at the till, and another service's for `/internal`.
    #[must_use]
    pub fn client(&self, router: &Router) -> Client {
        Client::new(router.clone()).with_token(&self.credentials.staff(Role::Owner)).with_service_calls()
    }

    /// Replaces another service by a stub.
    pub fn stub(&self, service: &'static str, router: Router) {
        self.context.services.connect(service, router);
    }

    /// Publishes an event as another service would, and waits until it is consumed or dead-lettered.
    pub async fn publish<D: EventData>(&self, data: &D) {
        let event = CloudEvent::new(data, self.clock.now()).expect("valid JSON");
        self.bus.publish(Arc::new(event)).await.expect("a bus that accepts events");
    }

    /// Waits until every event was published and consumed, with the events that followed from it.
    pub async fn wait_until_idle(&self) {
        let hosts = self.hosts.lock().await;
        ServiceHost::wait_until_all_idle(&hosts).await.expect("all events are consumed");
    }

    /// Every event of this kind that was published so far, each once, in the order of publication.
    #[must_use]
    pub fn published<D: EventData>(&self) -> Vec<D> {
        let published = self.bus.published();
        let of_this_kind = published.iter().filter(|event| event.kind == D::KIND);
        of_this_kind.map(|event| event.data().expect("readable data")).collect()
    }

    /// Every event that was published so far, each once, as it travels.
    #[must_use]
    pub fn published_events(&self) -> Vec<Arc<CloudEvent>> {
        self.bus.published()
    }

    /// Publishes every event that was published so far again, in a random order, and waits until all are consumed.
    pub async fn redeliver_all_shuffled(&self, seed: u64) {
        let mut events = self.bus.published();
        events.shuffle(&mut StdRng::seed_from_u64(seed));
        for event in events {
            self.bus.publish(event).await.expect("a bus that accepts events");
        }
        self.wait_until_idle().await;
    }

    /// Stops every service. The databases, the cache and the stubs stay.
    pub async fn stop(&self) {
        for host in self.hosts.lock().await.drain(..) {
            host.stop().await;
        }
    }
}

/// SQLite in the world's folder, or databases with a prefix of its own on the server that the environment names.
fn databases(folder: &TempDir) -> Databases {
    match std::env::var(POSTGRES_VARIABLE) {
        Ok(server) if !server.is_empty() => {
            let world = WORLDS.fetch_add(1, Ordering::Relaxed);
            let prefix = format!("t{}_{world}_", process::id());
            Databases::postgres_prefixed(&server, &prefix).expect("the address of a server")
        }
        _ => Databases::sqlite(folder.path()),
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("context", &self.context).finish_non_exhaustive()
    }
}
