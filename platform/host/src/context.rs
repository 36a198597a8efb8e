//! What a service gets, and what it returns.

use std::{fmt, sync::Arc, time::Duration};

use access::Access;
use axum::Router;
use bus::{Bus, Consumer};
use cache::Cache;
use clock::Clock;
use contracts::event::{EventKind, Queue};
use db::Db;
use errors::BoxError;
use futures::{FutureExt, future::BoxFuture};
use utoipa::openapi::OpenApi;
use web::ServiceRegistry;

use crate::{Databases, SharedShopRules};

/// What a service gets when it is opened.
#[derive(Clone)]
pub struct ServiceContext {
    /// The databases of the services.
    pub databases: Databases,
    /// The bus that its consumer subscribes to. It publishes through its outbox.
    pub bus: Arc<dyn Bus>,
    /// The cache, which may lose everything at any time.
    pub cache: Arc<dyn Cache>,
    /// Who may call: keys, devices and sessions.
    pub access: Access,
    /// The other services.
    pub services: ServiceRegistry,
    /// The time.
    pub clock: Clock,
    /// The shop's rules as they are now.
    pub shop: SharedShopRules,
}

/// An opened service.
pub struct Service {
    /// Its name, by which other services call it.
    pub name: &'static str,
    /// All its routes: public, internal and health.
    pub router: Router,
    /// The description of its public routes.
    pub openapi: OpenApi,
    /// Its database.
    pub db: Db,
    /// Its queue and the consumer of it.
    pub consumer: Option<(Queue, Arc<dyn Consumer>)>,
    /// Its timers.
    pub timers: Vec<Timer>,
}

/// Work that a service repeats by itself.
#[derive(Clone)]
pub struct Timer {
    /// Its name in the log.
    pub name: &'static str,
    /// The pause before each run.
    pub every: Duration,
    /// One run. After an error the next run comes all the same.
    pub run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
}

impl Timer {
    /// A timer that runs `run` with a clone of `state` after each pause of `every`. The same error in a row is logged
    /// once.
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

impl Service {
    /// The kinds of its queue that its consumer has no handler for: none, in a complete program.
    #[must_use]
    pub fn unhandled_kinds(&self) -> Vec<EventKind> {
        self.consumer.as_ref().map_or_else(Vec::new, |(_, consumer)| consumer.unhandled())
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
