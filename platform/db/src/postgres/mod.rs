//! PostgreSQL: a few threads, each with a connection, and a transaction for each job.

mod errors;
mod instance_lock;
mod opening;
mod running;
mod values;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ::postgres::{Client, IsolationLevel, Statement};
use contracts::event::CloudEvent;
use crossbeam_channel::Receiver;
use tokio::sync::mpsc;

use self::{
    errors::describe,
    opening::{connect, connect_or_create, migrate, unreachable},
};
pub(crate) use self::{instance_lock::InstanceLock, running::Running};
use crate::{
    DbError, DbOptions, OpenError, Schema,
    database::{Health, JobQueue, SLOW_COMMIT, Threads, WriteQueues, send_appended, spawn},
    job::{Job, Outcome},
    statement_failure::{FailureKind, StatementFailure},
    tx::{FinishedTx, On, Tx},
    url::Server,
};

/// How often a job is run when others collide with it. Deadlocks go away by then, or never.
const ATTEMPTS_MAX: u32 = 5;

/// How long after a failed connection the next one is tried, at first and at most. Jobs are refused meanwhile.
const RECONNECT_WAIT_MIN: Duration = Duration::from_millis(50);
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(2);

/// Makes the database where it does not exist, migrates it, and starts its threads.
pub(crate) fn open(server: &Server, schema: &Schema, settings: &DbOptions) -> Result<Threads, OpenError> {
    let mut client = connect_or_create(server, schema.service)?;
    migrate(&mut client, server, schema)?;
    start(client, server, schema.service, settings)
}

/// Opens a database that its owner may be writing, to write a little beside it: as it is.
pub(crate) fn open_existing(server: &Server, settings: &DbOptions) -> Result<Threads, OpenError> {
    let client = connect(&server.config, "beside").map_err(|error| unreachable(server, &error))?;
    start(client, server, "beside", settings)
}

fn start(client: Client, server: &Server, service: &str, settings: &DbOptions) -> Result<Threads, OpenError> {
    let (now, jobs) = JobQueue::bounded(settings.jobs_waiting_max);
    // The server gathers commits by itself: nothing is held back.
    let writes = WriteQueues { soon: now.another(), now };
    let (mut threads, alive, appended) = start_readers(server, service, settings, Some(writes))?;
    let mut first = Some(Session::new(client));
    let writing = Writing { publisher: appended, health: threads.health.clone() };
    for _ in 0..settings.writers.max(1) {
        let mut worker = Worker::new(server, service, Access::Write(writing.clone()));
        worker.session = first.take();
        let (jobs, alive) = (jobs.clone(), alive.clone());
        threads.handles.push(spawn("write", service, move || {
            worker.run(&jobs);
            drop(alive);
        })?);
    }
    Ok(threads)
}

/// Opens another service's database, to read it.
pub(crate) fn open_read_only(server: &Server, settings: &DbOptions) -> Result<Threads, OpenError> {
    connect(&server.config, "reader").map_err(|error| unreachable(server, &error))?;
    start_readers(server, "reader", settings, None).map(|(threads, ..)| threads)
}

type Started = (Threads, mpsc::Sender<()>, mpsc::Sender<Arc<CloudEvent>>);

fn start_readers(
    server: &Server,
    service: &str,
    settings: &DbOptions,
    writes: Option<WriteQueues>,
) -> Result<Started, OpenError> {
    let (reads, jobs) = JobQueue::bounded(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = Threads::new(writes, reads);
    for _ in 0..settings.readers.max(1) {
        let worker = Worker::new(server, service, Access::Read);
        let (jobs, alive) = (jobs.clone(), alive.clone());
        threads.handles.push(spawn("read", service, move || {
            worker.run(&jobs);
            drop(alive);
        })?);
    }
    Ok((threads, alive, appended))
}

/// What a thread's transactions may do.
enum Access {
    Read,
    Write(Writing),
}

impl Access {
    fn note(&self, failure: &DbError) {
        if let Self::Write(writing) = self {
            writing.health.note(failure);
        }
    }
}

/// What becomes of writes.
#[derive(Clone)]
struct Writing {
    /// The events that they append go here.
    publisher: mpsc::Sender<Arc<CloudEvent>>,
    health: Health,
}

/// A thread with a connection, which it makes when the first job comes, and again when it is lost.
struct Worker {
    config: ::postgres::Config,
    address: String,
    service: String,
    access: Access,
    session: Option<Session>,
    /// No connection is tried before, after one failed.
    not_before: Option<Instant>,
    wait: Duration,
}

/// A connection and the statements that are prepared on it.
struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Session {
    fn new(client: Client) -> Self {
        Self { client, statements: HashMap::new() }
    }
}

/// What one run of a job came to.
enum Run {
    /// Its transaction has ended; the job's own answer is the answer.
    Ended,
    /// Nothing of it is kept, and it may be run again.
    Again(StatementFailure),
    /// It ends with this error.
    StatementFailure(DbError),
}

impl Worker {
    fn new(server: &Server, service: &str, access: Access) -> Self {
        Self {
            config: server.config.clone(),
            address: server.address(),
            service: service.to_owned(),
            access,
            session: None,
            not_before: None,
            wait: RECONNECT_WAIT_MIN,
        }
    }

    fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        for mut job in jobs {
            let failure = self.run_until_kept(job.as_mut());
            if let Some(failure) = &failure {
                self.access.note(failure);
            }
            job.answer(failure);
        }
    }

    fn run_until_kept(&mut self, job: &mut dyn Job) -> Option<DbError> {
        let mut last = None;
        for _ in 0..ATTEMPTS_MAX {
            let (session, access) = match self.connected() {
                Ok(connected) => connected,
                Err(error) => return Some(error),
            };
            match run_once(session, access, job) {
                Run::Ended => return None,
                Run::Again(failed) => {
                    self.drop_if_lost(&failed);
                    last = Some(failed.error);
                }
                Run::StatementFailure(error) => {
                    self.drop_if_closed();
                    return Some(error);
                }
            }
        }
        last
    }

    fn drop_if_lost(&mut self, failed: &StatementFailure) {
        if failed.kind == FailureKind::Lost {
            self.session = None;
        }
    }

    fn drop_if_closed(&mut self) {
        if self.session.as_ref().is_some_and(|session| session.client.is_closed()) {
            self.session = None;
        }
    }

    fn connected(&mut self) -> Result<(&mut Session, &Access), DbError> {
        self.drop_if_closed();
        if self.session.is_none() {
            self.session = Some(self.reconnect()?);
        }
        self.session.as_mut().map(|session| (session, &self.access)).ok_or(DbError::Closed)
    }

    fn reconnect(&mut self) -> Result<Session, DbError> {
        if self.not_before.is_some_and(|not_before| Instant::now() < not_before) {
            return Err(DbError::Unavailable(format!("PostgreSQL at {} does not answer", self.address)));
        }
        match connect(&self.config, &self.service) {
            Ok(client) => {
                if self.not_before.is_some() {
                    tracing::info!(service = self.service, address = self.address, "the database answers again");
                }
                (self.not_before, self.wait) = (None, RECONNECT_WAIT_MIN);
                Ok(Session::new(client))
            }
            Err(error) => {
                let reason = format!("PostgreSQL at {}: {}", self.address, describe(&error));
                if self.not_before.is_none() {
                    tracing::warn!(
                        service = self.service,
                        reason,
                        "no connection to the database; trying until there is"
                    );
                }
                self.not_before = Some(Instant::now() + self.wait);
                self.wait = (self.wait * 2).min(RECONNECT_WAIT_MAX);
                Err(DbError::Unavailable(reason))
            }
        }
    }
}

fn run_once(session: &mut Session, access: &Access, job: &mut dyn Job) -> Run {
    let begun = match access {
        Access::Read => {
            session.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()
        }
        Access::Write(_) => session.client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start(),
    };
    let transaction = match begun {
        Ok(transaction) => transaction,
        Err(error) => return again_or_failed(StatementFailure::of("BEGIN", &error)),
    };
    let is_write = matches!(access, Access::Write(_));
    let mut tx = Tx::new(On::Postgres(Running { transaction, statements: &mut session.statements }), is_write);
    let verdict = job.run(&mut tx);
    let left = tx.end();
    if let Some(failed) = &left.failure {
        access.note(&failed.error);
    }
    match (verdict, left) {
        (_, FinishedTx { failure: Some(failed), .. }) if failed.kind != FailureKind::Refused => Run::Again(failed),
        (Outcome::RollBack, left) => roll_back(left),
        (Outcome::Keep, FinishedTx { failure: Some(failed), .. }) => Run::StatementFailure(failed.error),
        (Outcome::Keep, left) => commit(left, access),
    }
}

fn again_or_failed(failed: StatementFailure) -> Run {
    if failed.kind == FailureKind::Refused { Run::StatementFailure(failed.error) } else { Run::Again(failed) }
}

/// The job's own error is the answer, whether the server hears of it or is gone.
fn roll_back(left: FinishedTx<'_>) -> Run {
    if let On::Postgres(running) = left.on {
        let _server_gone = running.transaction.rollback();
    }
    Run::Ended
}

fn commit(left: FinishedTx<'_>, access: &Access) -> Run {
    let On::Postgres(running) = left.on else { return Run::StatementFailure(DbError::Closed) };
    let begun = Instant::now();
    if let Err(error) = running.transaction.commit() {
        let failed = StatementFailure::of("COMMIT", &error);
        // Where the connection broke, the commit may have been kept: the job is not run again.
        return if failed.kind == FailureKind::Collision {
            Run::Again(failed)
        } else {
            Run::StatementFailure(failed.error)
        };
    }
    if begun.elapsed() > SLOW_COMMIT {
        tracing::warn!(millis = begun.elapsed().as_millis(), "a commit was slow: the server's disk may be overloaded");
    }
    if let Access::Write(writing) = access {
        send_appended(&writing.publisher, left.appended);
    }
    Run::Ended
}
