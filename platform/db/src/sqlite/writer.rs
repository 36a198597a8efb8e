//! The one thread that writes a file: it commits every job that waits at once, so that they share the disk's flush.
//! What nobody waits for is held back until somebody's job comes, for a bounded moment.

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

use super::{checkpoint::WalCheckpointer, statements::run};
use crate::{
    DbError, DbResult,
    database::{Health, SLOW_COMMIT, send_appended},
    job::{Job, Outcome},
    statement_failure::StatementFailure,
    tx::{On, Tx},
};

/// How many jobs of either kind one commit carries at most, beside the one that it began with. The disk's flush is shared
/// by then; more would only make them wait.
const GROUP_JOBS_MAX: usize = 256;

/// The thread that writes one file.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) jobs: Receiver<Box<dyn Job>>,
    /// Those that nobody waits for.
    pub(super) held_back: Receiver<Box<dyn Job>>,
    pub(super) appended: mpsc::Sender<Arc<CloudEvent>>,
    pub(super) health: Health,
    pub(super) commit_delay: Duration,
    /// How long they are held back.
    pub(super) soon: Duration,
    /// `None`: it is left to the file's owner, who may be writing it. SQLite merges it by itself where nobody else has the
    /// file open.
    pub(super) log: Option<WalCheckpointer>,
}

/// A job that was run and is not answered yet.
struct Ran {
    job: Box<dyn Job>,
    verdict: Outcome,
    /// What it is answered instead of its own answer.
    failure: Option<DbError>,
    events: Vec<Arc<CloudEvent>>,
}

impl Ran {
    fn refused(job: Box<dyn Job>, error: DbError) -> Self {
        Self { job, verdict: Outcome::RollBack, failure: Some(error), events: Vec::new() }
    }
}

impl Writer {
    /// WriteQueues until every sender of jobs is gone and none waits; then, when the readers of this process have ended, merges
    /// the log into the file if it is ours.
    pub(super) fn run(mut self, readers: Vec<thread::JoinHandle<()>>) {
        while let Some(group) = self.gather() {
            self.write(group);
            if let Some(log) = &mut self.log {
                log.mind(&self.connection);
            }
        }
        for reader in readers {
            // A job's panic does not reach the thread.
            let _ended = reader.join();
        }
        let Some(mut log) = self.log else { return };
        log.wait();
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the log was not merged into its database; the next start does it");
        }
    }

    /// The jobs that wait. While only such wait that are held back, one that is in a hurry is waited for. `None`: no
    /// more will come.
    fn gather(&self) -> Option<Vec<Box<dyn Job>>> {
        let mut group = Vec::new();
        crossbeam_channel::select! {
            recv(self.jobs) -> job => group.extend(job),
            recv(self.held_back) -> job => {
                group.extend(job);
                group.extend(self.jobs.recv_timeout(self.soon));
            }
        }
        // On a busy machine those who are about to send a job go first, and share the commit; on an idle one nobody does.
        thread::yield_now();
        group.extend(self.jobs.try_iter().take(GROUP_JOBS_MAX));
        group.extend(self.held_back.try_iter().take(GROUP_JOBS_MAX));
        (!group.is_empty()).then_some(group)
    }

    /// Runs a group in one transaction, ends it, and then answers every job of it, refused ones too.
    fn write(&self, group: Vec<Box<dyn Job>>) {
        if let Err(error) = self.begin() {
            self.health.note(&error);
            return group.into_iter().for_each(|job| job.answer(Some(error.clone())));
        }
        match self.run_together(group) {
            Ok(ran) => self.end(ran),
            Err(group) => self.end(group.into_iter().map(|job| self.run_in_savepoint(job)).collect()),
        }
    }

    /// Runs a group without savepoints, which copy every page that a job touches. A job that was refused before it
    /// wrote anything leaves nothing to take back. One that had written is taken back with all the others, and the
    /// group is to be run again, a savepoint for each: `Err`, in a transaction that has begun.
    fn run_together(&self, group: Vec<Box<dyn Job>>) -> Result<Vec<Ran>, Vec<Box<dyn Job>>> {
        let is_alone = group.len() == 1;
        let mut ran: Vec<Ran> = Vec::with_capacity(group.len());
        let mut waiting = group.into_iter();
        while let Some(job) = waiting.next() {
            let changes = self.connection.total_changes();
            ran.push(self.run_next(job));
            let wrote = self.connection.total_changes() != changes;
            let refused = ran.last().is_some_and(|last| last.verdict == Outcome::RollBack);
            if wrote && refused && !is_alone && self.begin_again() {
                return Err(ran.into_iter().map(|ran| ran.job).chain(waiting).collect());
            }
        }
        Ok(ran)
    }

    fn begin(&self) -> DbResult<()> {
        run(&self.connection, "BEGIN IMMEDIATE").map_err(|error| StatementFailure::from(error).of_a_write().error)
    }

    /// Takes everything back. `false`: that failed; the commit will, too.
    fn begin_again(&self) -> bool {
        self.roll_back().and_then(|()| self.begin()).is_ok()
    }

    /// Ends the transaction of a group and answers its jobs.
    fn end(&self, mut ran: Vec<Ran>) {
        // Whoever is alone and refused needs no savepoint: the transaction itself is rolled back.
        let ended = match ran.as_slice() {
            [Ran { verdict: Outcome::RollBack, .. }] => self.roll_back(),
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
        if let Err(error) = run(&self.connection, "SAVEPOINT job") {
            return Ran::refused(job, error);
        }
        let ran = self.run_next(job);
        let ended = match ran.verdict {
            Outcome::Keep => Ok(()),
            Outcome::RollBack => run(&self.connection, "ROLLBACK TO job"),
        };
        let Err(error) = ended.and_then(|()| run(&self.connection, "RELEASE job")) else { return ran };
        // What the job wrote can be told from its neighbours' no more: nothing of the group may be kept.
        if let Err(error) = self.roll_back() {
            tracing::error!(%error, "a transaction cannot be rolled back");
        }
        Ran { failure: ran.failure.or(Some(error)), ..ran }
    }

    /// Runs a job, unless a full disk has ended the transaction under the group: it must not begin another one.
    fn run_next(&self, job: Box<dyn Job>) -> Ran {
        if self.connection.is_autocommit() {
            return Ran::refused(job, DbError::Unavailable("the transaction ended before its turn".into()));
        }
        self.run_one(job)
    }

    fn run_one(&self, mut job: Box<dyn Job>) -> Ran {
        let mut tx = Tx::new(On::Sqlite(&self.connection), true);
        let verdict = job.run(&mut tx);
        let left = tx.end();
        if let Some(failed) = &left.failure {
            self.health.note(&failed.error);
        }
        match (verdict, left.failure) {
            (Outcome::Keep, None) => Ran { job, verdict, failure: None, events: left.appended },
            (Outcome::Keep, Some(failed)) => {
                Ran { job, verdict: Outcome::RollBack, failure: Some(failed.error), events: Vec::new() }
            }
            (Outcome::RollBack, _) => Ran { job, verdict, failure: None, events: Vec::new() },
        }
    }

    fn commit(&self) -> DbResult<()> {
        let begun = Instant::now();
        if let Err(error) = run(&self.connection, "COMMIT") {
            let error = DbError::Unavailable(error.to_string());
            self.health.note(&error);
            tracing::error!(%error, "a commit failed; nothing of its jobs is kept");
            self.roll_back()?;
            return Err(error);
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
