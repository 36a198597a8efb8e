//! SQLite: one writer thread for each file, which commits jobs in groups, and readers that see its commits.

mod checkpoint;
mod connection;
mod readers;
mod writer;

use std::{mem, path::Path};

use rusqlite::{Connection, TransactionBehavior};

use self::{
    checkpoint::WalCheckpointer,
    connection::{connect_writer, create, database_name, enable_wal, unusable},
    writer::Writer,
};
use crate::{
    DbOptions, OpenError, Schema,
    job_queue::{JobQueue, WriteQueues},
    metrics::DbMetrics,
    migrations,
    private_files::{create_private_folder, restrict_database},
    threads::{Threads, spawn},
};

/// Opens the file, creates it and its folder if they do not exist, migrates it, and starts its threads.
pub(crate) fn open(path: &Path, schema: &Schema, options: &DbOptions) -> Result<Threads, OpenError> {
    create_private_folder(path).map_err(|error| unusable(path, error))?;
    let mut connection = create(path)?;
    // Before the write-ahead log is turned on: its files get the mode of the database file.
    restrict_database(path);
    enable_wal(&connection, path)?;
    migrate(&mut connection, path, schema)?;
    let metrics = DbMetrics::new(schema.service);
    let checkpointer = WalCheckpointer::install(&mut connection, path, options, metrics.clone())
        .map_err(|error| unusable(path, error))?;
    start(connection, path, schema.service, options, &metrics, Some(checkpointer))
}

fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let database = format!("sqlite:{}", path.display());
    let mut migrate = || migrations::run(connection, schema, str::to_owned, &database);
    // Twice if need be: another process may have been migrating the same new file.
    migrate().or_else(|first| migrate().map_err(|_again| first))?;
    connection.set_transaction_behavior(TransactionBehavior::Deferred);
    Ok(())
}

/// Opens a file as it is, to write a few rows beside its owner. Only the owner checkpoints its write-ahead log.
pub(crate) fn open_existing(path: &Path, database: &'static str, options: &DbOptions) -> Result<Threads, OpenError> {
    require_file(path)?;
    start(connect_writer(path)?, path, database, options, &DbMetrics::new(database), None)
}

/// Opens another service's file for reading.
pub(crate) fn open_read_only(path: &Path, database: &'static str, options: &DbOptions) -> Result<Threads, OpenError> {
    require_file(path)?;
    let metrics = DbMetrics::new(database);
    let (reads, jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.reads);
    let (mut threads, alive, _no_events) = Threads::none_of(database, None, reads, &metrics);
    readers::start(&mut threads, path, options.readers.max(1), &jobs, &metrics.reads, &alive)?;
    Ok(threads)
}

fn require_file(path: &Path) -> Result<(), OpenError> {
    if path.exists() { Ok(()) } else { Err(OpenError::NoFile { path: path.display().to_string() }) }
}

fn start(
    connection: Connection,
    path: &Path,
    database: &'static str,
    options: &DbOptions,
    metrics: &DbMetrics,
    checkpointer: Option<WalCheckpointer>,
) -> Result<Threads, OpenError> {
    let (immediate, jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.writes);
    let (deferred, deferred_jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.deferred);
    let (reads, read_jobs) = JobQueue::bounded(options.jobs_waiting_max, &metrics.reads);
    let writes = WriteQueues { immediate, deferred };
    let (mut threads, alive, events) = Threads::none_of(database, Some(writes), reads, metrics);
    readers::start(&mut threads, path, options.readers.max(1), &read_jobs, &metrics.reads, &alive)?;
    let writer = Writer {
        connection,
        jobs,
        deferred_jobs,
        deferred_max_wait: options.deferred_max_wait,
        commit_delay: options.commit_delay,
        events,
        health: threads.health.clone(),
        metrics: metrics.clone(),
        checkpointer,
    };
    let readers = mem::take(&mut threads.handles);
    threads.handles.push(spawn("write", &database_name(path), move || {
        writer.run(readers);
        drop(alive);
    })?);
    Ok(threads)
}
