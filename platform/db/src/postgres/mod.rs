//! PostgreSQL: a few threads with a connection each, and a transaction for each job.

mod connect;
mod instance_lock;
mod worker;

use ::postgres::Client;
use crossbeam_channel::Receiver;

pub(crate) use self::instance_lock::SessionLock;
use self::{
    connect::{connect, connect_or_create, migrate, unusable},
    worker::{Access, Worker, WriteAccess},
};
use crate::{
    DbOptions, OpenError, Schema,
    job::Job,
    job_queue::{JobQueue, WriteQueues},
    metrics::{DbMetrics, QueueMetrics},
    threads::{Alive, Threads, spawn},
    url::Server,
};

/// Creates the database if it does not exist, migrates it, and starts its threads.
pub(crate) fn open(server: &Server, schema: &Schema, options: &DbOptions) -> Result<Threads, OpenError> {
    let mut client = connect_or_create(server, schema.service)?;
    migrate(&mut client, server, schema)?;
    start(client, server, schema.service, options)
}

/// Opens a database as it is, to write a few rows beside its owner.
pub(crate) fn open_existing(
    server: &Server,
    database: &'static str,
    options: &DbOptions,
) -> Result<Threads, OpenError> {
    let client = connect(server, database).map_err(|error| unusable(server, error))?;
    start(client, server, database, options)
}

/// Opens another service's database for reading.
pub(crate) fn open_read_only(
    server: &Server,
    database: &'static str,
    options: &DbOptions,
) -> Result<Threads, OpenError> {
    let mut first = Some(connect(server, database).map_err(|error| unusable(server, error))?);
    let metrics = DbMetrics::new(database);
    let (reads, jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.reads);
    let (mut threads, alive, _no_events) = Threads::none_of(database, None, reads, &metrics);
    let pool = Pool { server, name: database, work: "read", alive: &alive };
    pool.start(&mut threads, options.readers, &Access::Read, &jobs, &metrics.reads, &mut first)?;
    Ok(threads)
}

fn start(client: Client, server: &Server, database: &'static str, options: &DbOptions) -> Result<Threads, OpenError> {
    let metrics = DbMetrics::new(database);
    let (immediate, jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.writes);
    let (reads, read_jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.reads);
    // The server groups commits by itself, so deferred jobs are not held back.
    let writes = WriteQueues { deferred: immediate.second_entrance(), immediate };
    let (mut threads, alive, events) = Threads::none_of(database, Some(writes), reads, &metrics);
    let access = WriteAccess { events, health: threads.health.clone(), metrics: metrics.clone() };
    let readers = Pool { server, name: database, work: "read", alive: &alive };
    readers.start(&mut threads, options.readers, &Access::Read, &read_jobs, &metrics.reads, &mut None)?;
    let writers = Pool { work: "write", ..readers };
    let access = Access::Write(access);
    writers.start(&mut threads, options.writers, &access, &jobs, &metrics.writes, &mut Some(client))?;
    Ok(threads)
}

/// Threads that take jobs from the same queue.
struct Pool<'a> {
    server: &'a Server,
    name: &'static str,
    work: &'static str,
    alive: &'a Alive,
}

impl Pool<'_> {
    /// Starts `count` threads, one at least. The first one gets the connection `first`, if there is one.
    fn start(
        &self,
        threads: &mut Threads,
        count: usize,
        access: &Access,
        jobs: &Receiver<Box<dyn Job>>,
        metrics: &QueueMetrics,
        first: &mut Option<Client>,
    ) -> Result<(), OpenError> {
        for _ in 0..count.max(1) {
            let worker = Worker::new(self.server, self.name, access.clone(), first.take());
            let (jobs, metrics, alive) = (jobs.clone(), metrics.clone(), self.alive.clone());
            threads.handles.push(spawn(self.work, self.name, move || {
                worker.run(&jobs, &metrics);
                drop(alive);
            })?);
        }
        Ok(())
    }
}
