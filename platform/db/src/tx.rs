//! The transaction in which a job runs.

use std::{ops::ControlFlow, sync::Arc};

use contracts::event::CloudEvent;

use crate::{
    DbError, DbResult, Params, Row, ValueRef,
    statement_failure::StatementFailure,
    statements::{postgres::RunningTransaction, sqlite as sqlite_statements},
};

/// A transaction: synchronous calls on the thread that owns the connection.
///
/// A statement that fails ends the whole job, whatever the job returns. PostgreSQL commits nothing after a failed
/// statement, and SQLite is made to behave the same.
pub struct Tx<'a> {
    connection: Connection<'a>,
    is_write: bool,
    failure: Option<StatementFailure>,
    events: Vec<Arc<CloudEvent>>,
}

pub(crate) enum Connection<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(RunningTransaction<'a>),
}

/// A transaction whose job has returned, before its commit.
pub(crate) struct FinishedTx<'a> {
    pub(crate) connection: Connection<'a>,
    /// The first statement that failed, if one did.
    pub(crate) failure: Option<StatementFailure>,
    /// The events that the job appended to the outbox.
    pub(crate) events: Vec<Arc<CloudEvent>>,
}

impl<'a> Tx<'a> {
    /// `is_write`: on a connection that writes.
    pub(crate) fn new(connection: Connection<'a>, is_write: bool) -> Self {
        Self { connection, is_write, failure: None, events: Vec::new() }
    }

    pub(crate) fn finish(self) -> FinishedTx<'a> {
        FinishedTx { connection: self.connection, failure: self.failure, events: self.events }
    }
}

impl Tx<'_> {
    /// Runs a statement. Returns how many rows it changed.
    ///
    /// # Errors
    /// [`DbError::Unique`] if a row with the same key exists.
    pub fn execute(&mut self, sql: &str, params: impl Params) -> DbResult<u64> {
        self.check_not_failed()?;
        let outcome = params.with(|values| match &mut self.connection {
            Connection::Sqlite(connection) => sqlite_statements::execute(connection, sql, values),
            Connection::Postgres(transaction) => transaction.execute(sql, values),
        });
        outcome.map_err(|failure| self.note(failure))
    }

    /// Runs a statement and reads all its rows.
    ///
    /// # Errors
    /// [`DbError::Unique`] if a row with the same key exists; those of `read`.
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<Vec<T>> {
        let mut rows = Vec::new();
        let mut refused = None;
        self.each(sql, params, &mut |row| match read(row) {
            Ok(value) => {
                rows.push(value);
                ControlFlow::Continue(())
            }
            Err(error) => {
                refused = Some(error);
                ControlFlow::Break(())
            }
        })?;
        refused.map_or(Ok(rows), Err)
    }

    /// Runs a statement and reads its first row, if it has one.
    ///
    /// # Errors
    /// [`DbError::Unique`] if a row with the same key exists; those of `read`.
    pub fn query_opt<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<Option<T>> {
        let mut read = Some(read);
        let mut first = None;
        self.each(sql, params, &mut |row| {
            first = read.take().map(|read| read(row));
            ControlFlow::Break(())
        })?;
        first.transpose()
    }

    /// Runs a statement that always has a row, such as a count, and reads the first.
    ///
    /// # Errors
    /// [`DbError::Statement`] if it has no row; those of `read`.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<T> {
        self.query_opt(sql, params, read)?.ok_or_else(|| DbError::statement(sql, "it returned no row"))
    }

    fn each(
        &mut self,
        sql: &str,
        params: impl Params,
        row: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> DbResult<()> {
        self.check_not_failed()?;
        let outcome = params.with(|values: &[ValueRef<'_>]| match &mut self.connection {
            Connection::Sqlite(connection) => sqlite_statements::each(connection, sql, values, row),
            Connection::Postgres(transaction) => transaction.each(sql, values, row),
        });
        outcome.map_err(|failure| self.note(failure))
    }

    /// Nothing is run after a failure: a full disk ends SQLite's transaction, and later statements would be committed
    /// one by one.
    fn check_not_failed(&self) -> DbResult<()> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.error.clone()))
    }

    /// Keeps the first failure.
    fn note(&mut self, failure: StatementFailure) -> DbError {
        let failure = if self.is_write { failure.in_write_job() } else { failure };
        let error = failure.error.clone();
        self.failure.get_or_insert(failure);
        error
    }

    /// Fails this run of the job because a concurrent transaction was first. The job is run again and sees what that
    /// transaction wrote. On SQLite, which has no concurrent writers, the job fails with `error`.
    pub(crate) fn collision(&mut self, error: DbError) -> DbError {
        self.note(StatementFailure::collision(error))
    }

    /// Takes the lock of this name until the transaction ends, and waits for it if another write job has it. On SQLite,
    /// which runs one write job after the other, and in read jobs, it does nothing.
    pub(crate) fn lock_key(&mut self, name: &str) -> DbResult<()> {
        const SQL: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        match &self.connection {
            Connection::Postgres(_) if self.is_write => self.execute(SQL, (name,)).map(drop),
            Connection::Postgres(_) | Connection::Sqlite(_) => Ok(()),
        }
    }

    /// Sends the event to the publisher after the commit.
    pub(crate) fn send_after_commit(&mut self, event: CloudEvent) {
        self.events.push(Arc::new(event));
    }
}
