//! The one thread that writes a file. It commits all jobs that wait at once, so that they share one flush of the disk
//! (group commit). Deferred jobs wait a bounded time for another job to be committed with.

use std::{
    mem,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use contracts::event::CloudEvent;
use crossbeam_channel::Receiver;
use rusqlite::Connection;

use super::checkpoint::WalCheckpointer;
use crate::{
    DbError, DbResult,
    health::Health,
    job::{Job, Outcome},
    metrics::DbMetrics,
    options::SLOW_COMMIT,
    statement_failure::StatementFailure,
    statements::sqlite::{lacks_space, run},
    threads::EventSender,
    tx::{Connection as TxConnection, Tx},
};

/// How many jobs of either kind one commit carries at most, beside the one that started the group. The flush is shared
/// well enough by then; more jobs would only wait longer for each other.
const GROUP_JOBS_MAX: usize = 256;

/// The thread that writes one file.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) jobs: Receiver<Box<dyn Job>>,
    pub(super) deferred_jobs: Receiver<Box<dyn Job>>,
    pub(super) deferred_max_wait: Duration,
    pub(super) commit_delay: Duration,
    pub(super) events: EventSender,
    pub(super) health: Health,
    pub(super) metrics: DbMetrics,
    /// `None`: the file belongs to another process, which checkpoints it.
    pub(super) checkpointer: Option<WalCheckpointer>,
}

/// A job that was run and is not answered yet.
struct RanJob {
    job: Box<dyn Job>,
    outcome: Outcome,
    /// The answer in place of its own result.
    failure: Option<DbError>,
    /// The outage that failed one of its statements, if there was one. The job may return another error because of it.
    outage: Option<DbError>,
    events: Vec<Arc<CloudEvent>>,
}

impl RanJob {
    /// A job that was not run, because of `error`.
    fn failed(job: Box<dyn Job>, error: DbError) -> Self {
        let outage = error.is_outage().then(|| error.clone());
        Self { job, outcome: Outcome::RollBack, failure: Some(error), outage, events: Vec::new() }
    }

    fn answer(self) {
        self.job.answer(self.failure);
    }
}

impl Writer {
    /// Writes until both queues are closed and empty. Then, after the readers of this process have ended, checkpoints
    /// the file if it is ours.
    pub(super) fn run(mut self, readers: Vec<thread::JoinHandle<()>>) {
        while let Some(group) = self.next_group() {
            self.write(group);
            if let Some(checkpointer) = &mut self.checkpointer {
                checkpointer.after_commit(&self.connection);
            }
        }
        for reader in readers {
            // Panics of jobs are caught and do not end threads.
            let _panicked = reader.join();
        }
        let Some(mut checkpointer) = self.checkpointer else { return };
        checkpointer.join_background();
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the last checkpoint failed; SQLite repeats it at the next start");
        }
    }

    /// The jobs that wait. If these are only deferred ones, waits a moment for another. `None`: both queues are closed
    /// and empty.
    fn next_group(&self) -> Option<Vec<Box<dyn Job>>> {
        let mut group = Vec::new();
        let mut deferred = Vec::new();
        crossbeam_channel::select! {
            recv(self.jobs) -> job => group.extend(job),
            recv(self.deferred_jobs) -> job => {
                deferred.extend(job);
                group.extend(self.jobs.recv_timeout(self.deferred_max_wait));
            }
        }
        // On a busy machine this lets tasks run that are about to send a job, which then shares the commit. On an idle
        // machine it returns at once.
        thread::yield_now();
        group.extend(self.jobs.try_iter().take(GROUP_JOBS_MAX));
        deferred.extend(self.deferred_jobs.try_iter().take(GROUP_JOBS_MAX));
        group.iter().for_each(|job| self.metrics.writes.taken(job.as_ref()));
        deferred.iter().for_each(|job| self.metrics.deferred.taken(job.as_ref()));
        group.append(&mut deferred);
        (!group.is_empty()).then_some(group)
    }

    /// Runs a group and answers every job. The jobs for which the disk had no space are run once more if a checkpoint
    /// takes space back from the WAL.
    fn write(&mut self, group: Vec<Box<dyn Job>>) {
        let (without_space, done): (Vec<_>, Vec<_>) =
            self.run_group(group).into_iter().partition(|ran| ran.outage.as_ref().is_some_and(lacks_space));
        done.into_iter().for_each(RanJob::answer);
        if without_space.is_empty() {
            return;
        }
        let has_space = self.checkpointer.as_mut().is_some_and(|wal| wal.truncate(&self.connection));
        let done = if has_space {
            self.run_group(without_space.into_iter().map(|ran| ran.job).collect())
        } else {
            without_space
        };
        done.iter().filter_map(|ran| ran.outage.as_ref()).for_each(|outage| self.health.write_failed(outage));
        done.into_iter().for_each(RanJob::answer);
    }

    /// Runs a group in one transaction and ends it. Each job is ready to be answered then, also if it was rolled back.
    fn run_group(&self, group: Vec<Box<dyn Job>>) -> Vec<RanJob> {
        if let Err(error) = self.begin() {
            self.note_outage(&error);
            return group.into_iter().map(|job| RanJob::failed(job, error.clone())).collect();
        }
        let changes_before = self.connection.total_changes();
        let ran = match self.run_without_savepoints(group) {
            Ok(ran) => ran,
            Err(group) => group.into_iter().fold(Vec::new(), |mut ran, job| {
                ran.push(self.run_in_savepoint(job, &ran));
                ran
            }),
        };
        self.end(ran, changes_before)
    }

    /// Runs a group without savepoints, which copy every page that a job touches. A job that fails before it wrote
    /// anything leaves nothing to roll back. If it had written, the whole group is rolled back, and `Err` returns it,
    /// to be run again with a savepoint for each job; a new transaction has begun then.
    fn run_without_savepoints(&self, group: Vec<Box<dyn Job>>) -> Result<Vec<RanJob>, Vec<Box<dyn Job>>> {
        let is_alone = group.len() == 1;
        let mut ran: Vec<RanJob> = Vec::with_capacity(group.len());
        let mut rest = group.into_iter();
        while let Some(job) = rest.next() {
            let changes = self.connection.total_changes();
            let last = self.run_job(job, &ran);
            let must_undo = last.outcome == Outcome::RollBack && self.connection.total_changes() != changes;
            ran.push(last);
            if must_undo && !is_alone && self.begin_again() {
                return Err(ran.into_iter().map(|ran| ran.job).chain(rest).collect());
            }
        }
        Ok(ran)
    }

    fn begin(&self) -> DbResult<()> {
        run(&self.connection, "BEGIN IMMEDIATE").map_err(|error| StatementFailure::from(error).in_write_job().error)
    }

    /// Rolls back and begins again. `false`: that failed, and so will the commit.
    fn begin_again(&self) -> bool {
        self.roll_back().and_then(|()| self.begin()).is_ok()
    }

    /// Ends the transaction of a group.
    fn end(&self, mut ran: Vec<RanJob>, changes_before: u64) -> Vec<RanJob> {
        // A single job that failed needs no savepoint: the transaction itself is rolled back.
        let is_rolled_back = matches!(ran.as_slice(), [RanJob { outcome: Outcome::RollBack, .. }]);
        let ended = if is_rolled_back { self.roll_back() } else { self.commit(&ran) };
        match ended {
            Ok(()) => {
                if !is_rolled_back && self.connection.total_changes() != changes_before {
                    self.health.write_succeeded();
                }
                ran.iter_mut().for_each(|ran| self.events.send(mem::take(&mut ran.events)));
            }
            Err(error) => {
                for ran in &mut ran {
                    ran.outage.get_or_insert_with(|| error.clone());
                    ran.failure = Some(error.clone());
                }
            }
        }
        ran
    }

    fn run_in_savepoint(&self, job: Box<dyn Job>, before: &[RanJob]) -> RanJob {
        // Without a transaction, a savepoint would begin one, and its release would commit.
        if self.connection.is_autocommit() {
            return RanJob::failed(job, transaction_ended(before));
        }
        if let Err(error) = run(&self.connection, "SAVEPOINT job") {
            return RanJob::failed(job, error);
        }
        let ran = self.run_job(job, before);
        let ended = match ran.outcome {
            Outcome::Commit => Ok(()),
            Outcome::RollBack => run(&self.connection, "ROLLBACK TO job"),
        };
        let Err(error) = ended.and_then(|()| run(&self.connection, "RELEASE job")) else { return ran };
        // The job's writes cannot be undone separately any more, so nothing of the group may be committed.
        if let Err(error) = self.roll_back() {
            tracing::error!(error = %errors::chain(&error), "a transaction cannot be rolled back");
        }
        let outage = ran.outage.or_else(|| error.is_outage().then(|| error.clone()));
        RanJob { failure: ran.failure.or(Some(error)), outage, events: Vec::new(), ..ran }
    }

    /// Runs a job, unless a failure of an earlier one ended the transaction, such as a full disk: its statements
    /// would be committed one by one.
    fn run_job(&self, mut job: Box<dyn Job>, before: &[RanJob]) -> RanJob {
        if self.connection.is_autocommit() {
            return RanJob::failed(job, transaction_ended(before));
        }
        let mut tx = Tx::new(TxConnection::Sqlite(&self.connection), true);
        let outcome = job.run(&mut tx);
        let finished = tx.finish();
        let error = finished.failure.map(|failure| failure.error);
        let outage = error.clone().filter(DbError::is_outage);
        if let Some(outage) = &outage {
            self.note_outage(outage);
        }
        match (outcome, error) {
            (Outcome::Commit, None) => RanJob { job, outcome, failure: None, outage, events: finished.events },
            (Outcome::Commit, failure) => {
                RanJob { job, outcome: Outcome::RollBack, failure, outage, events: Vec::new() }
            }
            (Outcome::RollBack, _) => RanJob { job, outcome, failure: None, outage, events: Vec::new() },
        }
    }

    fn commit(&self, ran: &[RanJob]) -> DbResult<()> {
        if self.connection.is_autocommit() {
            return Err(transaction_ended(ran));
        }
        let started = Instant::now();
        if let Err(error) = run(&self.connection, "COMMIT") {
            let error = if error.is_outage() { error } else { DbError::unavailable(error) };
            self.note_outage(&error);
            if !matches!(error, DbError::DiskFull(_)) {
                tracing::error!(error = %errors::chain(&error), "a commit failed; its jobs are rolled back");
            }
            self.roll_back()?;
            return Err(error);
        }
        let took = started.elapsed();
        self.metrics.committed(ran.len(), took);
        if took > SLOW_COMMIT {
            tracing::warn!(millis = took.as_millis(), "a commit was slow: the disk may fail, or be shared");
        }
        if !self.commit_delay.is_zero() {
            thread::sleep(self.commit_delay);
        }
        Ok(())
    }

    /// Notes why writes fail. A lack of space is noted once it is known that a checkpoint did not help.
    fn note_outage(&self, outage: &DbError) {
        if !lacks_space(outage) {
            self.health.write_failed(outage);
        }
    }

    /// Rolls the transaction back, unless SQLite has done so.
    fn roll_back(&self) -> DbResult<()> {
        if self.connection.is_autocommit() { Ok(()) } else { run(&self.connection, "ROLLBACK") }
    }
}

/// Why a transaction ended before its commit: the outage that failed one of its jobs.
fn transaction_ended(ran: &[RanJob]) -> DbError {
    let outage = ran.iter().find_map(|ran| ran.outage.clone());
    outage.unwrap_or_else(|| DbError::unavailable("the transaction ended before its commit"))
}
