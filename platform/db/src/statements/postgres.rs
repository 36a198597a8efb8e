//! A running transaction: prepared statements and their rows.

use std::{collections::HashMap, ops::ControlFlow};

use ::postgres::{Statement, Transaction, types::ToSql};

use crate::{DbError, Row, ValueRef, row::RowOf, statement_failure::StatementFailure};

/// How many statements each connection keeps prepared: more than any service has.
const PREPARED_STATEMENTS_MAX: usize = 256;

/// A running transaction, and the statements that are prepared on its connection.
pub(crate) struct RunningTransaction<'a> {
    pub(crate) transaction: Transaction<'a>,
    pub(crate) statements: &'a mut HashMap<String, Statement>,
}

impl RunningTransaction<'_> {
    /// Runs a statement. Returns how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64, StatementFailure> {
        let statement = self.prepared(sql, values.len())?;
        self.transaction.execute(&statement, &borrowed(values)).map_err(|error| StatementFailure::new(sql, error))
    }

    /// Runs a statement and passes its rows to `visit`, until that breaks off.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        values: &[ValueRef<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), StatementFailure> {
        let statement = self.prepared(sql, values.len())?;
        let rows =
            self.transaction.query(&statement, &borrowed(values)).map_err(|error| StatementFailure::new(sql, error))?;
        let _broke_off = rows.iter().try_for_each(|row| visit(&Row::new(RowOf::Postgres(row))));
        Ok(())
    }

    fn prepared(&mut self, sql: &str, values: usize) -> Result<Statement, StatementFailure> {
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

    fn prepare(&mut self, sql: &str) -> Result<Statement, StatementFailure> {
        let statement = self.transaction.prepare(sql).map_err(|error| StatementFailure::new(sql, error))?;
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
