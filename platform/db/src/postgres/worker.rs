//! A thread with a connection, which runs a transaction for each job.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ::postgres::{Client, IsolationLevel, Statement};
use crossbeam_channel::Receiver;

use super::connect::connect;
use crate::{
    DbError,
    health::Health,
    job::{Job, Outcome},
    metrics::{DbMetrics, QueueMetrics},
    options::SLOW_COMMIT,
    statement_failure::{FailureKind, StatementFailure},
    statements::postgres::RunningTransaction,
    threads::EventSender,
    tx::{Connection, FinishedTx, Tx},
    url::Server,
};

/// How often a job is run if concurrent transactions collide with it. Deadlocks are resolved by then, or never.
const ATTEMPTS_MAX: u32 = 5;

/// How long after a failed connection the next one is tried, at first and at most. Jobs fail at once meanwhile.
const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(50);
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);

/// What the transactions of a worker may do.
#[derive(Clone)]
pub(super) enum Access {
    Read,
    Write(WriteAccess),
}

/// What write transactions report to.
#[derive(Clone)]
pub(super) struct WriteAccess {
    pub(super) events: EventSender,
    pub(super) health: Health,
    pub(super) metrics: DbMetrics,
}

impl Access {
    fn note(&self, failure: &DbError) {
        if let Self::Write(access) = self {
            access.health.write_failed(failure);
        }
    }
}

/// A thread with a connection. It connects when the first job comes, and again when the connection is lost.
pub(super) struct Worker {
    server: Server,
    /// Shown in the server's list of sessions, and in the log.
    name: String,
    access: Access,
    session: Option<Session>,
    /// After a failed connection: when the next one may be tried.
    reconnect_at: Option<Instant>,
    reconnect_pause: Duration,
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

/// How one run of a job ended.
enum Run {
    /// Its transaction has ended. The job's own result is the answer.
    Done,
    /// Nothing of it was committed, and it may be run again.
    Retry(StatementFailure),
    /// It failed.
    Failed(DbError),
}

impl Worker {
    pub(super) fn new(server: &Server, name: &str, access: Access, client: Option<Client>) -> Self {
        Self {
            server: server.clone(),
            name: name.to_owned(),
            access,
            session: client.map(Session::new),
            reconnect_at: None,
            reconnect_pause: RECONNECT_PAUSE_MIN,
        }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Box<dyn Job>>, metrics: &QueueMetrics) {
        for mut job in jobs {
            metrics.taken(job.as_ref());
            let failure = self.run_with_retries(job.as_mut());
            if let Some(failure) = &failure {
                self.access.note(failure);
            }
            job.answer(failure);
        }
    }

    fn run_with_retries(&mut self, job: &mut dyn Job) -> Option<DbError> {
        let mut last = None;
        for _ in 0..ATTEMPTS_MAX {
            let (session, access) = match self.session() {
                Ok(connected) => connected,
                Err(error) => return Some(error),
            };
            match run_once(session, access, job) {
                Run::Done => return None,
                Run::Failed(error) => return Some(error),
                Run::Retry(failure) => {
                    if failure.kind == FailureKind::ConnectionLost {
                        self.session = None;
                    }
                    last = Some(failure.error);
                }
            }
        }
        last
    }

    /// The connection, made again if it was lost.
    fn session(&mut self) -> Result<(&mut Session, &Access), DbError> {
        if self.session.as_ref().is_none_or(|session| session.client.is_closed()) {
            self.session = None;
            self.session = Some(self.reconnect()?);
        }
        self.session.as_mut().map(|session| (session, &self.access)).ok_or(DbError::Closed)
    }

    fn reconnect(&mut self) -> Result<Session, DbError> {
        if self.reconnect_at.is_some_and(|at| Instant::now() < at) {
            return Err(DbError::unavailable(format!("PostgreSQL at {} does not answer", self.server.address())));
        }
        match connect(&self.server, &self.name) {
            Ok(client) => {
                if self.reconnect_at.is_some() {
                    tracing::info!(service = self.name, server = %self.server, "connected to the database again");
                }
                (self.reconnect_at, self.reconnect_pause) = (None, RECONNECT_PAUSE_MIN);
                Ok(Session::new(client))
            }
            Err(error) => {
                if self.reconnect_at.is_none() {
                    tracing::warn!(
                        service = self.name,
                        server = %self.server,
                        error = %errors::chain(&error),
                        "no connection to the database; retrying"
                    );
                }
                self.reconnect_at = Some(Instant::now() + self.reconnect_pause);
                self.reconnect_pause = (self.reconnect_pause * 2).min(RECONNECT_PAUSE_MAX);
                Err(DbError::unavailable(error))
            }
        }
    }
}

fn run_once(session: &mut Session, access: &Access, job: &mut dyn Job) -> Run {
    let builder = session.client.build_transaction();
    let begun = match access {
        Access::Read => builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true).start(),
        Access::Write(_) => builder.isolation_level(IsolationLevel::ReadCommitted).start(),
    };
    let transaction = match begun {
        Ok(transaction) => transaction,
        Err(error) => return retry_or_fail(StatementFailure::new("BEGIN", error)),
    };
    let is_write = matches!(access, Access::Write(_));
    let running = RunningTransaction { transaction, statements: &mut session.statements };
    let mut tx = Tx::new(Connection::Postgres(running), is_write);
    let outcome = job.run(&mut tx);
    let finished = tx.finish();
    if let Some(failure) = &finished.failure {
        access.note(&failure.error);
    }
    match (outcome, finished) {
        (_, FinishedTx { failure: Some(failure), .. }) if failure.kind != FailureKind::Permanent => Run::Retry(failure),
        (Outcome::RollBack, finished) => roll_back(finished),
        (Outcome::Commit, FinishedTx { failure: Some(failure), .. }) => Run::Failed(failure.error),
        (Outcome::Commit, finished) => commit(finished, access),
    }
}

fn retry_or_fail(failure: StatementFailure) -> Run {
    if failure.kind == FailureKind::Permanent { Run::Failed(failure.error) } else { Run::Retry(failure) }
}

/// The job's own error is the answer, also if the server cannot be reached to roll back.
fn roll_back(finished: FinishedTx<'_>) -> Run {
    if let Connection::Postgres(running) = finished.connection {
        let _unreachable = running.transaction.rollback();
    }
    Run::Done
}

fn commit(finished: FinishedTx<'_>, access: &Access) -> Run {
    let Connection::Postgres(running) = finished.connection else { return Run::Failed(DbError::Closed) };
    let started = Instant::now();
    if let Err(error) = running.transaction.commit() {
        let failure = StatementFailure::new("COMMIT", error);
        // If the connection broke, the server may have committed: the job is not run again.
        return if failure.kind == FailureKind::Collision { Run::Retry(failure) } else { Run::Failed(failure.error) };
    }
    let took = started.elapsed();
    if took > SLOW_COMMIT {
        tracing::warn!(millis = took.as_millis(), "a commit was slow: the server's disk may be overloaded");
    }
    if let Access::Write(access) = access {
        access.metrics.committed(1, took);
        if !finished.events.is_empty() {
            access.health.write_succeeded();
        }
        access.events.send(finished.events);
    }
    Run::Done
}
