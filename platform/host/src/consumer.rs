//! A service's function made a consumer: events in, dead letters into its own database.

use std::{fmt::Display, sync::Arc};

use bus::{ConsumeError, Consumer};
use clock::Clock;
use contracts::event::{CloudEvent, EventData};
use db::{Db, DbError, dead_letters};
use futures::{FutureExt, future::BoxFuture};

struct EventConsumer<F> {
    db: Db,
    name: &'static str,
    act: F,
}

/// A consumer that acts with `act` and buries, under `name`, in `db`.
pub fn consumer<F, Fut>(db: &Db, name: &'static str, act: F) -> Arc<dyn Consumer>
where
    F: Fn(Arc<CloudEvent>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
{
    Arc::new(EventConsumer { db: db.clone(), name, act })
}

/// For what may go well later: a database is busy, a service away.
pub fn later(error: impl Display) -> ConsumeError {
    ConsumeError::Later(error.to_string())
}

/// The data of an event.
///
/// # Errors
/// [`ConsumeError::Never`]: what cannot be read today cannot be read tomorrow.
pub fn read_event<D: EventData>(event: &CloudEvent) -> Result<D, ConsumeError> {
    event.data().map_err(|error| ConsumeError::Never(format!("its data cannot be read: {error}")))
}

impl<F, Fut> Consumer for EventConsumer<F>
where
    F: Fn(Arc<CloudEvent>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), ConsumeError>> + Send + 'static,
{
    fn consume(&self, event: Arc<CloudEvent>) -> BoxFuture<'_, Result<(), ConsumeError>> {
        (self.act)(event).boxed()
    }

    fn bury(&self, event: Arc<CloudEvent>, error: String, tries: u32) -> BoxFuture<'_, Result<(), ConsumeError>> {
        let name = self.name;
        // When a person asks what happened and when, the wall's time is what they compare with.
        let now = Clock::system().now();
        let bury = move |tx: &mut db::Tx<'_>| dead_letters::bury(tx, name, &event, &error, tries, now);
        async move { self.db.write::<(), DbError, _>(bury).await.map_err(later) }.boxed()
    }
}
