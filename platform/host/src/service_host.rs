//! Running services.

use std::{fmt, sync::Arc, time::Duration};

use bus::Bus;
use contracts::ids::EventId;
use db::{Db, DbError};
use futures::future::join_all;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Service, ServiceContext, credentials,
    outbox::{self, OutboxContext, Progress},
    pruning, redrive, shop_rules, timers,
};

/// How long [`ServiceHost::stop`] takes at most. Process managers kill after 10 s or more, and the requests in flight
/// get their time before this.
const STOP_MAX: Duration = Duration::from_secs(6);
/// The part of [`STOP_MAX`] that is kept for closing the databases.
const CLOSE_DATABASES_MAX: Duration = Duration::from_secs(3);
/// How long [`ServiceHost::wait_until_idle`] waits at most: longer than all attempts of an event that is dead-lettered.
const IDLE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often [`ServiceHost::wait_until_idle`] counts.
const IDLE_POLL_PAUSE: Duration = Duration::from_millis(1);

/// Runs services. Dropping it aborts the work behind them, as a kill would; [`ServiceHost::stop`] finishes it first.
pub struct ServiceHost {
    bus: Arc<dyn Bus>,
    databases: Vec<(&'static str, Db)>,
    tasks: Vec<BackgroundTask>,
    shutdown: CancellationToken,
    progress: Arc<Progress>,
}

/// A task, and its name in the log if it does not end in time.
struct BackgroundTask {
    name: String,
    handle: JoinHandle<()>,
}

/// There were still unpublished events when the wait ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("after {} s there are still unpublished events: {unpublished}", IDLE_WAIT_MAX.as_secs())]
pub struct NotIdle {
    /// How many for each service, or why that is not known.
    unpublished: String,
}

impl ServiceHost {
    /// Connects the services to each other and starts the work behind them. Needs a running tokio runtime.
    ///
    /// Services that share a bus in process belong in one host. It lets no event leave an outbox before all of their
    /// consumers are there, because a published event is not published again for a consumer that comes later.
    #[must_use = "the work behind the services ends with the host"]
    pub fn start(context: &ServiceContext, services: Vec<Service>) -> Self {
        let shutdown = CancellationToken::new();
        let bus = Arc::clone(&context.bus);
        let mut host = Self {
            bus,
            databases: Vec::new(),
            tasks: Vec::new(),
            shutdown: shutdown.clone(),
            progress: Arc::default(),
        };
        let follow = shop_rules::follow(context.shop.clone(), &*context.bus, shutdown.clone());
        host.spawn("shop rules".into(), follow);
        let follow = credentials::follow(context.access.clone(), &*context.bus, shutdown.clone());
        host.spawn("credentials".into(), follow);
        for service in &services {
            context.services.connect(service.name, service.router.clone());
            if let Some((queue, consumer)) = &service.consumer {
                log_unhandled_kinds(service);
                context.bus.consume(*queue, Arc::clone(consumer));
            }
        }
        let lease_holder = context.databases.lease_holder(EventId::new(context.clock.now()));
        for service in services {
            host.start_service(context, &lease_holder, service);
        }
        host
    }

    fn start_service(&mut self, context: &ServiceContext, lease_holder: &Arc<str>, service: Service) {
        let Service { name, db, consumer, timers, .. } = service;
        let (clock, shutdown) = (context.clock.clone(), self.shutdown.clone());
        let outbox = OutboxContext {
            service: name,
            db: db.clone(),
            bus: Arc::clone(&self.bus),
            clock: clock.clone(),
            lease_holder: Arc::clone(lease_holder),
            progress: Arc::clone(&self.progress),
        };
        self.spawn(format!("{name}: outbox"), outbox::run(outbox, shutdown.clone()));
        self.spawn(format!("{name}: pruning"), pruning::run(name, db.clone(), clock, shutdown.clone()));
        if let Some((queue, consumer)) = consumer {
            let redrive = redrive::run(name, db.clone(), (queue, consumer), shutdown.clone());
            self.spawn(format!("{name}: redrive"), redrive);
        }
        for timer in timers {
            self.spawn(format!("{name}: {}", timer.name), timers::run(name, timer, shutdown.clone()));
        }
        self.databases.push((name, db));
    }

    fn spawn(&mut self, name: String, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(BackgroundTask { name, handle: tokio::spawn(work) });
    }

    /// Starts no new work, finishes the work in flight, and then closes the databases, all within six seconds. Work that
    /// does not end in time is named in the log and aborted; its events are delivered again at the next start.
    pub async fn stop(mut self) {
        let deadline = Instant::now() + STOP_MAX;
        self.shutdown.cancel();
        let finished = async {
            // The bus first: the outboxes still wait for its confirmations.
            self.bus.close().await;
            for task in &mut self.tasks {
                // A task that panicked has ended too, and the panic was logged.
                let _ended = (&mut task.handle).await;
            }
        };
        let is_finished = tokio::time::timeout_at(deadline - CLOSE_DATABASES_MAX, finished).await.is_ok();
        if !is_finished {
            let is_running = |task: &&BackgroundTask| !task.handle.is_finished();
            let unfinished: Vec<&str> = self.tasks.iter().filter(is_running).map(|task| task.name.as_str()).collect();
            tracing::warn!(?unfinished, "work not finished in time was aborted; the next start continues it");
        }
        self.tasks.iter().for_each(|task| task.handle.abort());
        let closed = join_all(self.databases.iter().map(|(_, db)| db.close()));
        if tokio::time::timeout_at(deadline, closed).await.is_err() {
            tracing::warn!("databases not closed in time; the next start recovers them");
        }
    }

    /// Returns when every event was published and consumed, with the events that followed from it. For tests, so that
    /// they need not sleep.
    ///
    /// # Errors
    /// [`NotIdle`] after ten seconds.
    pub async fn wait_until_idle(&self) -> Result<(), NotIdle> {
        Self::wait_until_all_idle(std::slice::from_ref(self)).await
    }

    /// [`ServiceHost::wait_until_idle`] for several hosts on one bus.
    ///
    /// # Errors
    /// [`NotIdle`] after ten seconds.
    pub async fn wait_until_all_idle(hosts: &[Self]) -> Result<(), NotIdle> {
        let deadline = Instant::now() + IDLE_WAIT_MAX;
        while let Some(unpublished) = unpublished(hosts).await {
            if Instant::now() >= deadline {
                return Err(NotIdle { unpublished });
            }
            tokio::time::sleep(IDLE_POLL_PAUSE).await;
        }
        Ok(())
    }
}

/// A consumer without a handler for a kind of its queue would dead-letter every event of that kind: a defect.
fn log_unhandled_kinds(service: &Service) {
    let unhandled = service.unhandled_kinds();
    if !unhandled.is_empty() {
        tracing::error!(service = service.name, ?unhandled, "the consumer has no handler for kinds of its queue");
    }
}

/// The services with unpublished events. `None`: there are none.
///
/// The outboxes are counted one after the other. While one is counted, an event could be consumed from an outbox that
/// is not counted yet, and lead to a new event in one that was. Its mark is written in that time, so a count during
/// which a mark started does not count.
async fn unpublished(hosts: &[ServiceHost]) -> Option<String> {
    let marks_started = || hosts.iter().map(|host| host.progress.marks_started()).sum::<u64>();
    let marks_before = marks_started();
    let mut unpublished = Vec::new();
    for (service, db) in hosts.iter().flat_map(|host| &host.databases) {
        match db.read::<i64, DbError, _>(db::outbox::count_unpublished).await {
            Ok(0) => {}
            Ok(events) => unpublished.push(format!("{service} {events}")),
            Err(error) => unpublished.push(format!("{service}: {}", errors::chain(&error))),
        }
    }
    if unpublished.is_empty() && marks_before != marks_started() {
        unpublished.push("events are being published".into());
    }
    (!unpublished.is_empty()).then(|| unpublished.join(", "))
}

impl Drop for ServiceHost {
    fn drop(&mut self) {
        self.tasks.iter().for_each(|task| task.handle.abort());
    }
}
impl fmt::Debug for ServiceHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<&str> = self.databases.iter().map(|(service, _)| *service).collect();
        f.debug_struct("ServiceHost").field("services", &services).finish_non_exhaustive()
    }
}
