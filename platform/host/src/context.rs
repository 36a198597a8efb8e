//! What goes into a service, and what comes out of it.

use std::{fmt, sync::Arc, time::Duration};

use axum::Router;
use bus::{Bus, Consumer};
use cache::Cache;
use clock::Clock;
use contracts::event::Queue;
use db::Db;
use errors::BoxError;
use futures::{FutureExt, future::BoxFuture};
use utoipa::openapi::OpenApi;
use web::ServiceRegistry;

use crate::{Databases, SharedShopRules};

/// What a service is handed.
#[derive(Clone)]
pub struct ServiceContext {
    /// Where its tables are.
    pub databases: Databases,
    /// Where its consumer hears. It says its own events through its outbox.
    pub bus: Arc<dyn Bus>,
    /// What may be lost.
    pub cache: Arc<dyn Cache>,
    /// The other services.
    pub services: ServiceRegistry,
    /// What time it is.
    pub clock: Clock,
    /// How the shop trades at the moment.
    pub shop: SharedShopRules,
}

/// What a service hands back.
pub struct Service {
    /// Its name, by which peers call it.
    pub name: &'static str,
    /// Every route of it: public, internal and health.
    pub router: Router,
    /// What it says of its public routes.
    pub openapi: OpenApi,
    /// Its tables.
    pub db: Db,
    /// What it hears, and who acts on it.
    pub consumer: Option<(Queue, Arc<dyn Consumer>)>,
    /// What it does by itself.
    pub timers: Vec<Timer>,
}

/// Something that a service does by itself, again and again.
#[derive(Clone)]
pub struct Timer {
    /// What it is called in the log.
    pub name: &'static str,
    /// The pause before each run.
    pub every: Duration,
    /// One run. An error is logged; the next run comes all the same.
    pub run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
}

impl Timer {
    /// A timer that runs `run` with `state`, with a pause of `every` before each run. An error is logged once, until it
    /// changes.
    pub fn new<S, F, Fut, E>(name: &'static str, every: Duration, state: S, run: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let run = move || run(state.clone()).map(|ended| ended.map_err(Into::into)).boxed();
        Self { name, every, run: Arc::new(run) }
    }
}

impl fmt::Debug for ServiceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceContext").field("databases", &self.databases).finish_non_exhaustive()
    }
}
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).field("timers", &self.timers).finish_non_exhaustive()
    }
}
impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("name", &self.name).field("every", &self.every).finish_non_exhaustive()
    }
}
