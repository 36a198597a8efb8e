//! Reads: on threads with a connection each, and on the threads of callers.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use crossbeam_channel::Receiver;
use rusqlite::Connection;

use super::connection::{connect_reader, database_name};
use crate::{
    OpenError,
    job::{InlineRunner, Job, Outcome},
    metrics::QueueMetrics,
    statements::sqlite::run,
    threads::{Alive, Threads, spawn},
    tx::{Connection as TxConnection, Tx},
};

/// Starts `count` threads that run the jobs, each with a connection to the file at `path`.
pub(super) fn start(
    threads: &mut Threads,
    path: &Path,
    count: usize,
    jobs: &Receiver<Box<dyn Job>>,
    metrics: &QueueMetrics,
    alive: &Alive,
) -> Result<(), OpenError> {
    threads.inline_readers = Some(Box::new(InlineReaders::connect(path, count)?));
    for _ in 0..count {
        let connection = connect_reader(path)?;
        let (jobs, metrics, alive) = (jobs.clone(), metrics.clone(), alive.clone());
        threads.handles.push(spawn("read", &database_name(path), move || {
            for job in jobs {
                metrics.taken(job.as_ref());
                read(&connection, job);
            }
            drop(connection);
            drop(alive);
        })?);
    }
    Ok(())
}

/// Connections for reads that take less time than waking another thread for them.
struct InlineReaders {
    /// `None` after it was closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl InlineReaders {
    fn connect(path: &Path, count: usize) -> Result<Self, OpenError> {
        let connections: Result<_, _> = (0..count).map(|_| connect_reader(path)).collect();
        Ok(Self { idle: Mutex::new(Some(connections?)) })
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop()
    }

    fn give_back(&self, connection: Connection) {
        if let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            idle.push(connection);
        }
    }
}

impl InlineRunner for InlineReaders {
    fn run(&self, job: Box<dyn Job>) -> Result<(), Box<dyn Job>> {
        let Some(connection) = self.take() else { return Err(job) };
        read(&connection, job);
        self.give_back(connection);
        Ok(())
    }

    fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Runs a read job on one snapshot.
fn read(connection: &Connection, mut job: Box<dyn Job>) {
    if let Err(error) = run(connection, "BEGIN DEFERRED") {
        return job.answer(Some(error));
    }
    let mut tx = Tx::new(TxConnection::Sqlite(connection), false);
    let outcome = job.run(&mut tx);
    let failure = tx.finish().failure.filter(|_| outcome == Outcome::Commit).map(|failure| failure.error);
    job.answer(run(connection, "ROLLBACK").err().or(failure));
}
