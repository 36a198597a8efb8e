//! PostgreSQL: a few threads, each with a connection, and a transaction for each job.

mod values;

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use ::postgres::{Client, IsolationLevel, NoTls, Statement, Transaction, error::SqlState, types::ToSql};
use contracts::event::CloudEvent;
use crossbeam_channel::Receiver;
use tokio::sync::mpsc;

use crate::{
    DbError, OpenError, Row, Schema, Settings, ValueRef,
    database::{SLOW_COMMIT, Threads, send_appended, spawn},
    job::{Job, Verdict},
    migrations,
    row::RowOf,
    tx::{Left, On, Tx},
    url::Server,
};

/// How often a job is run when others collide with it. Deadlocks go away by then, or never.
const TRIES_MAX: u32 = 5;

/// How many statements each connection keeps prepared: more than any service has.
const PREPARED_STATEMENTS_MAX: usize = 256;

/// How long a connection may take: longer than a busy server needs, shorter than a person waits.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// How long after a failed connection the next one is tried, at first and at most. Jobs are refused meanwhile.
const RECONNECT_WAIT_MIN: Duration = Duration::from_millis(50);
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(2);

/// The lock that one process holds while it migrates, so that others wait: "fnb" and a version.
const MIGRATION_LOCK: i64 = 0x666e_6201;

/// How a connection is set: no statement and no abandoned transaction holds its locks for longer than these.
const SESSION_SETTINGS: &str = "
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '30s';
    SET client_min_messages = warning";

/// A statement that failed, and whether another run of its job may succeed.
pub(crate) struct Failed {
    pub(crate) error: DbError,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The statement is refused, and would be again.
    Refused,
    /// Another transaction was in the way.
    Collision,
    /// The connection is gone, and the transaction with it.
    Lost,
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self { error, why: Why::Refused }
    }
}

impl Failed {
    pub(crate) fn collision(error: DbError) -> Self {
        Self { error, why: Why::Collision }
    }

    fn of(sql: &str, error: &::postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // Not the server's word: the connection broke, or a value does not fit its parameter.
            let lost =
                error.is_closed() || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>());
            return if lost { Self::lost(error) } else { DbError::statement(sql, describe(error)).into() };
        };
        match said.code() {
            &SqlState::UNIQUE_VIOLATION => {
                DbError::Unique { constraint: said.constraint().unwrap_or_default().to_owned() }.into()
            }
            &SqlState::READ_ONLY_SQL_TRANSACTION => DbError::ReadOnly.into(),
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => {
                Self::collision(DbError::Unavailable(said.to_string()))
            }
            // The table was changed under a prepared statement, by a newer version of the program.
            &SqlState::FEATURE_NOT_SUPPORTED if said.message().starts_with("cached plan") => {
                Self { error: DbError::Unavailable(said.to_string()), why: Why::Lost }
            }
            code if is_outage(code) => Self::lost(error),
            _ => DbError::statement(sql, said).into(),
        }
    }

    fn lost(error: &::postgres::Error) -> Self {
        Self { error: DbError::Unavailable(describe(error)), why: Why::Lost }
    }
}

/// Connection exceptions, a server that shuts down, and a lack of resources: classes 08, 57P and 53.
fn is_outage(code: &SqlState) -> bool {
    ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class))
}

/// The error with its cause, which its own text leaves out.
fn describe(error: &::postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Makes the database where it does not exist, migrates it, and starts its threads.
pub(crate) fn open(server: &Server, schema: &Schema, settings: &Settings) -> Result<Threads, OpenError> {
    let mut client = connect_or_create(server, schema.service)?;
    migrate(&mut client, server, schema)?;
    let (writes, jobs) = crossbeam_channel::bounded(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = start_readers(server, schema.service, settings, Some(writes))?;
    let mut first = Some(Session::new(client));
    for _ in 0..settings.writers {
        let mut worker = Worker::new(server, schema.service, Access::Write(appended.clone()));
        worker.session = first.take();
        let (jobs, alive) = (jobs.clone(), alive.clone());
        threads.handles.push(spawn("write", schema.service, move || {
            worker.run(&jobs);
            drop(alive);
        })?);
    }
    Ok(threads)
}

/// Opens another service's database, to read it.
pub(crate) fn open_read_only(server: &Server, settings: &Settings) -> Result<Threads, OpenError> {
    connect(&server.config, "reader").map_err(|error| unreachable(server, &error))?;
    start_readers(server, "reader", settings, None).map(|(threads, ..)| threads)
}

type Started = (Threads, mpsc::Sender<()>, mpsc::Sender<Arc<CloudEvent>>);

fn start_readers(
    server: &Server,
    service: &str,
    settings: &Settings,
    writes: Option<crossbeam_channel::Sender<Box<dyn Job>>>,
) -> Result<Started, OpenError> {
    let (reads, jobs) = crossbeam_channel::bounded::<Box<dyn Job>>(settings.jobs_waiting_max);
    let (mut threads, alive, appended) = Threads::new(writes, reads);
    for _ in 0..settings.readers {
        let worker = Worker::new(server, service, Access::Read);
        let (jobs, alive) = (jobs.clone(), alive.clone());
        threads.handles.push(spawn("read", service, move || {
            worker.run(&jobs);
            drop(alive);
        })?);
    }
    Ok((threads, alive, appended))
}

fn connect(config: &::postgres::Config, service: &str) -> Result<Client, ::postgres::Error> {
    let mut client =
        config.clone().connect_timeout(CONNECT_WAIT).application_name(&format!("fnb {service}")).connect(NoTls)?;
    client.batch_execute(SESSION_SETTINGS)?;
    Ok(client)
}

fn connect_or_create(server: &Server, service: &str) -> Result<Client, OpenError> {
    match connect(&server.config, service) {
        Ok(client) => Ok(client),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => {
            create(server)?;
            connect(&server.config, service).map_err(|error| unreachable(server, &error))
        }
        Err(error) => Err(unreachable(server, &error)),
    }
}

/// Texts are compared byte by byte, as SQLite does, whatever language the server speaks.
fn create(server: &Server) -> Result<(), OpenError> {
    let refused = |error: &::postgres::Error| OpenError::NoDatabase {
        server: server.address(),
        database: server.database.clone(),
        reason: describe(error),
    };
    let mut client = connect(server.config.clone().dbname("postgres"), "setup").map_err(|error| refused(&error))?;
    let name = server.database.replace('"', "\"\"");
    let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
    match client.batch_execute(&sql) {
        // Another process was first.
        Err(error) if matches!(error.code(), Some(&SqlState::DUPLICATE_DATABASE | &SqlState::UNIQUE_VIOLATION)) => {
            Ok(())
        }
        outcome => outcome.map_err(|error| refused(&error)),
    }
}

fn unreachable(server: &Server, error: &::postgres::Error) -> OpenError {
    OpenError::Server { server: server.address(), reason: describe(error) }
}

/// Migrates while no other process does.
fn migrate(client: &mut Client, server: &Server, schema: &Schema) -> Result<(), OpenError> {
    let lock = |client: &mut Client, sql: &str| {
        client.execute(sql, &[&MIGRATION_LOCK]).map_err(|error| unreachable(server, &error))
    };
    lock(client, "SELECT pg_advisory_lock($1)")?;
    migrations::run(client, schema, &server.shown)?;
    lock(client, "SELECT pg_advisory_unlock($1)")?;
    Ok(())
}

/// What a thread's transactions may do.
enum Access {
    Read,
    /// The events that they append go here.
    Write(mpsc::Sender<Arc<CloudEvent>>),
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
    Again(Failed),
    /// It ends with this error.
    Failed(DbError),
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
            job.answer(failure);
        }
    }

    fn run_until_kept(&mut self, job: &mut dyn Job) -> Option<DbError> {
        let mut last = None;
        for _ in 0..TRIES_MAX {
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
                Run::Failed(error) => {
                    self.drop_if_closed();
                    return Some(error);
                }
            }
        }
        last
    }

    fn drop_if_lost(&mut self, failed: &Failed) {
        if failed.why == Why::Lost {
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
                (self.not_before, self.wait) = (None, RECONNECT_WAIT_MIN);
                Ok(Session::new(client))
            }
            Err(error) => {
                let reason = format!("PostgreSQL at {}: {}", self.address, describe(&error));
                tracing::warn!(reason, "no connection to the database");
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
        Err(error) => return again_or_failed(Failed::of("BEGIN", &error)),
    };
    let mut tx = Tx::new(On::Postgres(Running { transaction, statements: &mut session.statements }));
    let verdict = job.run(&mut tx);
    match (verdict, tx.end()) {
        (_, Left { failure: Some(failed), .. }) if failed.why != Why::Refused => Run::Again(failed),
        (Verdict::RollBack, left) => roll_back(left),
        (Verdict::Keep, Left { failure: Some(failed), .. }) => Run::Failed(failed.error),
        (Verdict::Keep, left) => commit(left, access),
    }
}

fn again_or_failed(failed: Failed) -> Run {
    if failed.why == Why::Refused { Run::Failed(failed.error) } else { Run::Again(failed) }
}

/// The job's own error is the answer, whether the server hears of it or is gone.
fn roll_back(left: Left<'_>) -> Run {
    if let On::Postgres(running) = left.on {
        let _server_gone = running.transaction.rollback();
    }
    Run::Ended
}

fn commit(left: Left<'_>, access: &Access) -> Run {
    let On::Postgres(running) = left.on else { return Run::Failed(DbError::Closed) };
    let begun = Instant::now();
    if let Err(error) = running.transaction.commit() {
        let failed = Failed::of("COMMIT", &error);
        // Where the connection broke, the commit may have been kept: the job is not run again.
        return if failed.why == Why::Collision { Run::Again(failed) } else { Run::Failed(failed.error) };
    }
    if begun.elapsed() > SLOW_COMMIT {
        tracing::warn!(millis = begun.elapsed().as_millis(), "a commit was slow: the server's disk may be overloaded");
    }
    if let Access::Write(publisher) = access {
        send_appended(publisher, left.appended);
    }
    Run::Ended
}

/// A transaction under way.
pub(crate) struct Running<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut HashMap<String, Statement>,
}

impl Running<'_> {
    /// Runs a statement; answers how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64, Failed> {
        let statement = self.prepared(sql, values.len())?;
        self.transaction.execute(&statement, &borrowed(values)).map_err(|error| Failed::of(sql, &error))
    }

    /// Runs a statement and shows `see` its rows, until it has seen enough.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        values: &[ValueRef<'_>],
        see: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failed> {
        let statement = self.prepared(sql, values.len())?;
        let rows = self.transaction.query(&statement, &borrowed(values)).map_err(|error| Failed::of(sql, &error))?;
        let _seen_enough = rows.iter().try_for_each(|row| see(&Row::new(RowOf::Postgres(row))));
        Ok(())
    }

    fn prepared(&mut self, sql: &str, values: usize) -> Result<Statement, Failed> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => self.prepare(sql)?,
        };
        if statement.params().len() == values {
            return Ok(statement);
        }
        let reason = format!("it is given {values} values and asks for {}", statement.params().len());
        Err(DbError::statement(sql, reason).into())
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, Failed> {
        let statement = self.transaction.prepare(sql).map_err(|error| Failed::of(sql, &error))?;
        if self.statements.len() >= PREPARED_STATEMENTS_MAX {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn borrowed<'v>(values: &'v [ValueRef<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
