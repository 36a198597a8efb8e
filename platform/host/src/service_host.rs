//! Services, running.

use std::{fmt, sync::Arc, time::Duration};

use bus::Bus;
use contracts::ids::EventId;
use db::{Db, DbError};
use futures::future::join_all;
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    Service, ServiceContext,
    outbox::{self, Ports, Progress},
    pruning, redrive, shop, timers,
};
use tokio_util::sync::CancellationToken;

/// How long [`Host::stop`] takes at most. What manages processes kills them after 10 s or more, and before this the
/// requests in flight have had their time.
const STOP_MAX: Duration = Duration::from_secs(6);
/// How much of it is left for the databases: what they have not written is lost work, if no lost truth.
const CLOSE_DATABASES_MAX: Duration = Duration::from_secs(3);
/// How long [`Host::settled`] waits at most: longer than all attempts of an event that ends as a dead letter.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// How often [`Host::settled`] looks.
const SETTLE_LOOK_PAUSE: Duration = Duration::from_millis(1);

/// Runs services. Dropping it stops the work behind them, as a kill would; [`Host::stop`] does it with care.
pub struct Host {
    bus: Arc<dyn Bus>,
    databases: Vec<(&'static str, Db)>,
    work: Vec<Work>,
    shutdown: CancellationToken,
    progress: Arc<Progress>,
}

/// A task, and what to call it where it does not end.
struct Work {
    what: String,
    task: JoinHandle<()>,
}

/// Events were still on their way when the wait for them ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("after {} s there are still unpublished events: {left}", SETTLE_MAX.as_secs())]
pub struct NotIdle {
    /// Where, and how many or why it is not known.
    left: String,
}

impl Host {
    /// Connects the services to each other and starts the work behind them. Needs a running tokio runtime.
    ///
    /// Services that share a bus in process belong in one host: it lets no event leave an outbox before every one of
    /// them hears, and an event that leaves is never said again to one that comes later.
    #[must_use = "what runs behind the services ends with the host"]
    pub fn start(context: &ServiceContext, services: Vec<Service>) -> Self {
        let shutdown = CancellationToken::new();
        let bus = Arc::clone(&context.bus);
        let mut host =
            Self { bus, databases: Vec::new(), work: Vec::new(), shutdown: shutdown.clone(), progress: Arc::default() };
        let feed = shop::follow(context.shop.clone(), &*context.bus, shutdown.clone());
        host.spawn("the shop's settings".into(), feed);
        for service in &services {
            context.services.connect(service.name, service.router.clone());
            // Every consumer hears before the first event leaves an outbox.
            if let Some((queue, consumer)) = &service.consumer {
                context.bus.consume(*queue, Arc::clone(consumer));
            }
        }
        let holder = context.databases.sweeper(EventId::new(context.clock.now()));
        for service in services {
            host.run(context, &holder, service, &shutdown);
        }
        host
    }

    fn run(&mut self, context: &ServiceContext, holder: &Arc<str>, service: Service, shutdown: &CancellationToken) {
        let Service { name, db, consumer, timers, .. } = service;
        let clock = context.clock.clone();
        let ports = Ports {
            service: name,
            db: db.clone(),
            bus: Arc::clone(&self.bus),
            clock: clock.clone(),
            holder: Arc::clone(holder),
            progress: Arc::clone(&self.progress),
        };
        self.spawn(format!("{name}: outbox"), outbox::run(ports, shutdown.clone()));
        self.spawn(format!("{name}: pruning"), pruning::run(name, db.clone(), clock, shutdown.clone()));
        if let Some((_, consumer)) = consumer {
            let redrive = redrive::redrive(name, db.clone(), consumer, shutdown.clone());
            self.spawn(format!("{name}: dead letters"), redrive);
        }
        for timer in timers {
            self.spawn(format!("{name}: {}", timer.name), timers::run(name, timer, shutdown.clone()));
        }
        self.databases.push((name, db));
    }

    fn spawn(&mut self, what: String, work: impl Future<Output = ()> + Send + 'static) {
        self.work.push(Work { what, task: tokio::spawn(work) });
    }

    /// Stops: no new work, then what is in hand, then the databases, all within six seconds. What does not end in
    /// time is named in the log, and cut off; its events are delivered again at the next start.
    pub async fn stop(mut self) {
        let deadline = Instant::now() + STOP_MAX;
        self.shutdown.cancel();
        let ended = async {
            // The bus first: it answers the publishers that still wait.
            self.bus.close().await;
            for work in &mut self.work {
                // A task that panicked has ended too, and the panic was logged.
                let _ = (&mut work.task).await;
            }
        };
        let is_over = tokio::time::timeout_at(deadline - CLOSE_DATABASES_MAX, ended).await.is_ok();
        let unfinished: Vec<&str> =
            self.work.iter().filter(|w| !w.task.is_finished()).map(|w| w.what.as_str()).collect();
        if !is_over {
            tracing::warn!(?unfinished, "not finished in time and cut off; the next start goes on with it");
        }
        self.work.iter().for_each(|work| work.task.abort());
        let closed = join_all(self.databases.iter().map(|(_, db)| db.close()));
        if tokio::time::timeout_at(deadline, closed).await.is_err() {
            tracing::warn!("the databases were not closed in time; the next start checks them");
        }
    }

    /// Until every event was published and acted on, with what followed from it. For tests, so that they need not sleep.
    ///
    /// # Errors
    /// [`NotIdle`] after ten seconds.
    pub async fn settled(&self) -> Result<(), NotIdle> {
        Self::wait_until_all_idle(std::slice::from_ref(self)).await
    }

    /// [`Host::settled`] for several hosts on one bus, whose services hear each other.
    ///
    /// # Errors
    /// [`NotIdle`] after ten seconds.
    pub async fn wait_until_all_idle(hosts: &[Self]) -> Result<(), NotIdle> {
        let deadline = Instant::now() + SETTLE_MAX;
        while let Some(left) = unpublished(hosts).await {
            if Instant::now() >= deadline {
                return Err(NotIdle { left });
            }
            tokio::time::sleep(SETTLE_LOOK_PAUSE).await;
        }
        Ok(())
    }
}

/// Where there are unpublished events. `None`: nowhere.
///
/// The outboxes are counted one after the other, so an event could move behind our back from one that is still to be
/// counted into one that was counted: by a mark that begins meanwhile. Then the count does not count.
async fn unpublished(hosts: &[Host]) -> Option<String> {
    let marks_begun = || hosts.iter().map(|host| host.progress.marks_begun()).sum::<u64>();
    let marks_before = marks_begun();
    let mut left = Vec::new();
    for (service, db) in hosts.iter().flat_map(|host| &host.databases) {
        match db.read::<i64, DbError, _>(db::outbox::count_unpublished).await {
            Ok(0) => {}
            Ok(events) => left.push(format!("{service} {events}")),
            Err(error) => left.push(format!("{service}: {error}")),
        }
    }
    if left.is_empty() && marks_before != marks_begun() {
        left.push("on the move".into());
    }
    (!left.is_empty()).then(|| left.join(", "))
}

impl Drop for Host {
    fn drop(&mut self) {
        self.work.iter().for_each(|work| work.task.abort());
    }
}
impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<&str> = self.databases.iter().map(|(service, _)| *service).collect();
        f.debug_struct("Host").field("services", &services).finish_non_exhaustive()
    }
}
