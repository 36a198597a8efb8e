//! The host with real databases and the bus in process: on SQLite, or on the server that the environment names.

mod background;
mod delivery;
mod shutdown;

use std::sync::{Arc, Mutex};

use access::Access;
use axum::Router;
use bus::{Bus, ConsumeError, MemoryBus};
use cache::MemoryCache;
use clock::Clock;
use contracts::{
    event::{CloudEvent, EventData, OrderExpired, Queue},
    ids::{EventId, OrderId},
    shop::{ShopRules, ShopSettings},
    time::Timestamp,
};
use db::{Db, DbError, Schema, outbox};
use tempfile::TempDir;
use web::ServiceRegistry;

use crate::{Databases, EventConsumer, Service, ServiceContext, SharedShopRules};

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

/// A host in a folder of its own.
struct TestHost {
    context: ServiceContext,
    folder: TempDir,
}

impl TestHost {
    fn new() -> Self {
        Self::on(Arc::new(MemoryBus::new()))
    }

    fn on(bus: Arc<dyn Bus>) -> Self {
        let folder = TempDir::new().unwrap();
        let context = ServiceContext {
            databases: databases(&folder),
            bus,
            cache: Arc::new(MemoryCache::new()),
            access: Access::new(Clock::manual(NOW)),
            services: ServiceRegistry::new(),
            clock: Clock::manual(NOW),
            shop: SharedShopRules::new(ShopRules::new(ShopSettings::default()).unwrap()),
        };
        Self { context, folder }
    }

    /// The same folder after a restart of the machine: nothing else is kept.
    fn restarted(self) -> Self {
        let context = ServiceContext { bus: Arc::new(MemoryBus::new()), ..self.context };
        Self { context, folder: self.folder }
    }

    async fn db(&self, service: &'static str) -> Db {
        self.context.databases.open(&Schema { service, migrations: &[] }).await.unwrap()
    }
}

/// SQLite in the folder, or databases of its own, named after it, on the server of `FNB_TEST_POSTGRES`.
pub(crate) fn databases(folder: &TempDir) -> Databases {
    match std::env::var("FNB_TEST_POSTGRES") {
        Ok(server) if !server.is_empty() => {
            let name = folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
            let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            Databases::postgres_prefixed(&server, &format!("h{}_{name}_", std::process::id())).unwrap()
        }
        _ => Databases::sqlite(folder.path()),
    }
}

/// A service without routes or timers.
fn service(name: &'static str, db: &Db) -> Service {
    let openapi = utoipa::openapi::OpenApi::default();
    Service { name, router: Router::new(), openapi, db: db.clone(), consumer: None, timers: Vec::new() }
}

/// Payment, which consumes every event of its queue with `consume`.
fn payment<F, Fut>(db: &Db, consume: F) -> Service
where
    F: Fn(Arc<CloudEvent>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
{
    let consumer =
        EventConsumer::new("payment", Queue::Payment, db, ()).on_every(move |(), event| consume(event)).build();
    Service { consumer: Some(consumer), ..service("payment", db) }
}

fn order_expired() -> OrderExpired {
    OrderExpired { order_id: OrderId::new(NOW), order_version: 2, cups: 0 }
}

/// Appends `data` to the outbox of `db`.
async fn append<D: EventData + Send + Sync + 'static>(db: &Db, data: D) {
    db.write::<_, DbError, _>(move |tx| outbox::append(tx, &data, NOW)).await.unwrap();
}

/// The events that a consumer got.
#[derive(Clone, Default)]
struct Consumed(Arc<Mutex<Vec<EventId>>>);

impl Consumed {
    /// Records an event. Returns how many there are now.
    fn record(&self, event: &CloudEvent) -> usize {
        let mut events = self.0.lock().unwrap();
        events.push(event.id);
        events.len()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}
