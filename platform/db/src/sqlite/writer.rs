//! The one thread that writes a file: it commits every job that waits at once, so that they share the disk's flush.

use std::{
    mem,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use contracts::event::CloudEvent;
use crossbeam_channel::Receiver;
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::statements::run;
use crate::{
    DbError, DbResult,
    database::{SLOW_COMMIT, send_appended},
    job::{Job, Verdict},
    tx::{On, Tx},
};

/// How many jobs one commit carries at most. The disk's flush is shared by then; more would only make them wait.
const GROUP_JOBS_MAX: usize = 256;

/// The thread that writes one file.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) jobs: Receiver<Box<dyn Job>>,
    pub(super) appended: mpsc::Sender<Arc<CloudEvent>>,
    pub(super) commit_delay: Duration,
}

/// A job that was run and is not answered yet.
struct Ran {
    job: Box<dyn Job>,
    verdict: Verdict,
    /// What it is answered instead of its own answer.
    failure: Option<DbError>,
    events: Vec<Arc<CloudEvent>>,
}

impl Writer {
    /// Writes until every sender of jobs is gone and none waits, then merges the log into the file.
    pub(super) fn run(self) {
        while let Ok(first) = self.jobs.recv() {
            let mut group = Vec::with_capacity(GROUP_JOBS_MAX.min(1 + self.jobs.len()));
            group.push(first);
            group.extend(self.jobs.try_iter().take(GROUP_JOBS_MAX - 1));
            self.write(group);
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the log was not merged into its database; the next start does it");
        }
    }

    /// Runs a group in one transaction, ends it, and then answers every job of it, refused ones too.
    fn write(&self, group: Vec<Box<dyn Job>>) {
        if let Err(error) = run(&self.connection, "BEGIN IMMEDIATE") {
            return group.into_iter().for_each(|job| job.answer(Some(error.clone())));
        }
        let mut ran: Vec<Ran> = match <[Box<dyn Job>; 1]>::try_from(group) {
            Ok([alone]) => vec![self.run_one(alone)],
            Err(group) => group.into_iter().map(|job| self.run_in_savepoint(job)).collect(),
        };
        // Whoever is alone and refused needs no savepoint: the transaction itself is rolled back.
        let ended = match ran.as_slice() {
            [Ran { verdict: Verdict::RollBack, .. }] => self.roll_back(),
            _ => self.commit(),
        };
        if ended.is_ok() {
            ran.iter_mut().for_each(|ran| send_appended(&self.appended, mem::take(&mut ran.events)));
        }
        for ran in ran {
            ran.job.answer(ended.clone().err().or(ran.failure));
        }
    }

    fn run_in_savepoint(&self, job: Box<dyn Job>) -> Ran {
        // A full disk ends the transaction under its jobs. The rest of the group must not begin another one.
        if self.connection.is_autocommit() {
            let failure = Some(DbError::Unavailable("the transaction ended before its turn".into()));
            return Ran { job, verdict: Verdict::RollBack, failure, events: Vec::new() };
        }
        if let Err(error) = run(&self.connection, "SAVEPOINT job") {
            return Ran { job, verdict: Verdict::RollBack, failure: Some(error), events: Vec::new() };
        }
        let ran = self.run_one(job);
        let kept = match ran.verdict {
            Verdict::Keep => Ok(()),
            Verdict::RollBack => run(&self.connection, "ROLLBACK TO job"),
        };
        let failure = kept.and_then(|()| run(&self.connection, "RELEASE job")).err();
        Ran { failure: ran.failure.or(failure), ..ran }
    }

    fn run_one(&self, mut job: Box<dyn Job>) -> Ran {
        let mut tx = Tx::new(On::Sqlite(&self.connection));
        let verdict = job.run(&mut tx);
        let left = tx.end();
        match (verdict, left.failure) {
            (Verdict::Keep, None) => Ran { job, verdict, failure: None, events: left.appended },
            (Verdict::Keep, Some(failed)) => {
                Ran { job, verdict: Verdict::RollBack, failure: Some(failed.error), events: Vec::new() }
            }
            (Verdict::RollBack, _) => Ran { job, verdict, failure: None, events: Vec::new() },
        }
    }

    fn commit(&self) -> DbResult<()> {
        let begun = Instant::now();
        if let Err(error) = run(&self.connection, "COMMIT") {
            tracing::error!(%error, "a commit failed; nothing of its jobs is kept");
            self.roll_back()?;
            return Err(DbError::Unavailable(error.to_string()));
        }
        if begun.elapsed() > SLOW_COMMIT {
            tracing::warn!(millis = begun.elapsed().as_millis(), "a commit was slow: the disk may fail, or be shared");
        }
        if !self.commit_delay.is_zero() {
            thread::sleep(self.commit_delay);
        }
        Ok(())
    }

    /// Rolls the transaction back, unless SQLite has done so.
    fn roll_back(&self) -> DbResult<()> {
        if self.connection.is_autocommit() { Ok(()) } else { run(&self.connection, "ROLLBACK") }
    }
}
