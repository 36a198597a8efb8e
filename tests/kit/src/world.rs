//! All that surrounds a service in a test.

use std::{
    fmt, process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::Router;
use bus::Bus;
use cache::MemoryCache;
use clock::Clock;
use contracts::{
    event::{CloudEvent, EventData},
    shop::{ShopRules, ShopSettings},
};
use host::{Databases, Host, Service, ServiceContext, SharedShopRules};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use tempfile::TempDir;
use tokio::sync::Mutex;
use web::ServiceRegistry;

use crate::{Client, recording::RecordingBus};

/// When every world begins: nine in the morning in Jakarta.
const BEGINNING: &str = "2026-11-22T02:00:00Z";
/// Names a PostgreSQL server without a database, `postgres://postgres@127.0.0.1:5432`, for the same tests on it.
const POSTGRES_VARIABLE: &str = "FNB_TEST_POSTGRES";

/// Tells the worlds of one process apart.
static WORLDS: AtomicU32 = AtomicU32::new(0);

/// A shop of its own for one test.
pub struct World {
    /// The time, which stands still until the test moves it.
    pub clock: Clock,
    context: ServiceContext,
    bus: Arc<RecordingBus>,
    hosts: Mutex<Vec<Host>>,
    /// Removed with the world.
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
        let shop = ShopRules::new(settings).expect("settings that a shop can have");
        let folder = TempDir::new().expect("a folder for the databases");
        let bus = Arc::new(RecordingBus::default());
        let clock = Clock::manual(BEGINNING.parse().expect("a time"));
        let context = ServiceContext {
            databases: databases(&folder),
            bus: Arc::clone(&bus) as Arc<dyn Bus>,
            cache: Arc::new(MemoryCache::new()),
            services: ServiceRegistry::new(),
            clock: clock.clone(),
            shop: SharedShopRules::new(shop),
        };
        Self { clock, context, bus, hosts: Mutex::default(), _folder: folder }
    }

    /// What a service is handed here.
    #[must_use]
    pub fn context(&self) -> &ServiceContext {
        &self.context
    }

    /// Runs a service, beside those that run here already, and answers a client of it. It hears what is said from now
    /// on: start every service before the first event.
    pub async fn start(&self, service: Service) -> Client {
        let client = Client::new(service.router.clone());
        self.hosts.lock().await.push(Host::start(&self.context, vec![service]));
        client
    }

    /// Puts a stand-in in the place of a peer.
    pub fn stub(&self, service: &'static str, router: Router) {
        self.context.services.connect(service, router);
    }

    /// Says an event as another service would, and waits until every consumer has acted on it (or buried it).
    pub async fn publish<D: EventData>(&self, data: &D) {
        let event = CloudEvent::new(data, self.clock.now()).expect("an event that can be written as JSON");
        self.bus.publish(Arc::new(event)).await.expect("a bus that takes events");
    }

    /// Until all that was said was heard and acted on, with all that followed from it.
    pub async fn settle(&self) {
        let hosts = self.hosts.lock().await;
        Host::wait_until_all_idle(&hosts).await.expect("events that reach their end");
    }

    /// Every event of this kind that was said so far, each once, in the order in which they were published.
    #[must_use]
    pub fn said<D: EventData>(&self) -> Vec<D> {
        let said = self.bus.said();
        let of_its_kind = said.iter().filter(|event| event.kind == D::KIND);
        of_its_kind.map(|event| event.data().expect("an event that can be read")).collect()
    }

    /// Says every event that was said so far once more, in another order, and waits until all have acted.
    pub async fn redeliver_all_shuffled(&self, seed: u64) {
        let mut events = self.bus.said();
        events.shuffle(&mut StdRng::seed_from_u64(seed));
        for event in events {
            self.bus.publish(event).await.expect("a bus that takes events");
        }
        self.settle().await;
    }

    /// Stops every service, as a shop does in the evening. The databases, the cache and the peers stay.
    pub async fn stop(&self) {
        for host in self.hosts.lock().await.drain(..) {
            host.stop().await;
        }
    }
}

/// SQLite in the world's folder, or databases of the world's own on the server that the environment names.
fn databases(folder: &TempDir) -> Databases {
    match std::env::var(POSTGRES_VARIABLE) {
        Ok(server) if !server.is_empty() => {
            let world = WORLDS.fetch_add(1, Ordering::Relaxed);
            let prefix = format!("t{}_{world}_", process::id());
            Databases::postgres_prefixed(&server, &prefix).expect("a server's address")
        }
        _ => Databases::sqlite(folder.path()),
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("context", &self.context).finish_non_exhaustive()
    }
}
