//! A transaction, as a job sees it.

use std::{ops::ControlFlow, sync::Arc};

use contracts::event::CloudEvent;

use crate::{DbError, DbResult, Params, Row, ValueRef, postgres, sqlite, statement_failure::StatementFailure};

/// A transaction. Plain synchronous calls, on a thread that owns a connection.
///
/// A statement that fails ends the whole job, whatever the job answers: PostgreSQL keeps nothing after a failed
/// statement, and SQLite is held to the same.
pub struct Tx<'a> {
    on: On<'a>,
    is_write: bool,
    failure: Option<StatementFailure>,
    appended: Vec<Arc<CloudEvent>>,
}

pub(crate) enum On<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(postgres::Running<'a>),
}

/// What a job leaves behind.
pub(crate) struct FinishedTx<'a> {
    pub(crate) on: On<'a>,
    /// The first statement that failed, if one did.
    pub(crate) failure: Option<StatementFailure>,
    /// The events that it appended to the outbox.
    pub(crate) appended: Vec<Arc<CloudEvent>>,
}

impl<'a> Tx<'a> {
    /// `is_write`: on a connection that writes.
    pub(crate) fn new(on: On<'a>, is_write: bool) -> Self {
        Self { on, is_write, failure: None, appended: Vec::new() }
    }

    pub(crate) fn end(self) -> FinishedTx<'a> {
        FinishedTx { on: self.on, failure: self.failure, appended: self.appended }
    }
}

impl Tx<'_> {
    /// Runs a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// Where the statement fails.
    pub fn execute(&mut self, sql: &str, params: impl Params) -> DbResult<u64> {
        self.go_on()?;
        let outcome = params.with(|values| match &mut self.on {
            On::Sqlite(connection) => sqlite::execute(connection, sql, values),
            On::Postgres(running) => running.execute(sql, values),
        });
        outcome.map_err(|failed| self.note(failed))
    }

    /// Runs a statement and reads every row that it answers.
    ///
    /// # Errors
    /// Where the statement fails, or `read` does.
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

    /// Runs a statement and reads the first row that it answers, if there is one.
    ///
    /// # Errors
    /// Where the statement fails, or `read` does.
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

    /// Runs a statement and reads the first row that it answers.
    ///
    /// # Errors
    /// Where the statement fails or answers no row, or `read` fails.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> DbResult<T>,
    ) -> DbResult<T> {
        self.query_opt(sql, params, read)?.ok_or_else(|| DbError::statement(sql, "it answered no row"))
    }

    fn each(
        &mut self,
        sql: &str,
        params: impl Params,
        row: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> DbResult<()> {
        self.go_on()?;
        let outcome = params.with(|values: &[ValueRef<'_>]| match &mut self.on {
            On::Sqlite(connection) => sqlite::each(connection, sql, values, row),
            On::Postgres(running) => running.each(sql, values, row),
        });
        outcome.map_err(|failed| self.note(failed))
    }

    /// Nothing is run after a failure. A full disk ends SQLite's transaction, and what comes next would be kept by itself.
    fn go_on(&self) -> DbResult<()> {
        self.failure.as_ref().map_or(Ok(()), |failed| Err(failed.error.clone()))
    }

    /// Keeps the failure.
    fn note(&mut self, failed: StatementFailure) -> DbError {
        let failed = if self.is_write { failed.of_a_write() } else { failed };
        let error = failed.error.clone();
        self.failure.get_or_insert(failed);
        error
    }

    /// Ends this run of the job because a concurrent transaction was first, so that another run sees what it wrote.
    /// SQLite has no concurrent writers: there it is the end of the job.
    pub(crate) fn collided(&mut self, error: DbError) -> DbError {
        self.note(StatementFailure::collision(error))
    }

    /// Waits until no other write holds `name`, and holds it until this one ends. SQLite's writer does one after the
    /// other, and what only reads waits for nobody.
    pub(crate) fn lock_key(&mut self, name: &str) -> DbResult<()> {
        const SQL: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        match &self.on {
            On::Postgres(_) if self.is_write => self.execute(SQL, (name,)).map(drop),
            On::Postgres(_) | On::Sqlite(_) => Ok(()),
        }
    }

    /// The event is sent on once the transaction is committed.
    pub(crate) fn appended(&mut self, event: CloudEvent) {
        self.appended.push(Arc::new(event));
    }
}
