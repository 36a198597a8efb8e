//! Statements: parameters in, rows out, and what SQLite's errors mean.

use std::ops::ControlFlow;

use rusqlite::{Connection, ErrorCode, Statement, ffi};

use crate::{DbError, DbResult, Row, ValueRef, row::RowOf, statement_failure::StatementFailure};

/// Runs a statement of the transaction itself.
pub(super) fn run(connection: &Connection, sql: &'static str) -> DbResult<()> {
    execute(connection, sql, &[]).map(|_| ()).map_err(|failed| failed.error)
}

/// Runs a statement; answers how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, values: &[ValueRef<'_>]) -> Result<u64, StatementFailure> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(sql, &error))?;
    bind(&mut statement, sql, values)?;
    let rows = statement.raw_execute().map_err(|error| failed(sql, &error))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

/// Runs a statement and shows `see` its rows, until it has seen enough.
pub(crate) fn each(
    connection: &Connection,
    sql: &str,
    values: &[ValueRef<'_>],
    see: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), StatementFailure> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(sql, &error))?;
    bind(&mut statement, sql, values)?;
    // A statement that writes is run to its end: its foreign keys are checked there.
    let only_reads = statement.readonly();
    let mut seen_enough = false;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| failed(sql, &error))? {
        seen_enough = seen_enough || see(&Row::new(RowOf::Sqlite(row))).is_break();
        if seen_enough && only_reads {
            break;
        }
    }
    Ok(())
}

/// Binds `$1` to the first value, and so on. SQLite takes `$1` for a name and numbers it by its first appearance.
fn bind(statement: &mut Statement<'_>, sql: &str, values: &[ValueRef<'_>]) -> Result<(), StatementFailure> {
    let mut highest = 0;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?");
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = *value.ok_or_else(|| miscounted(sql, name, values.len()))?;
        highest = highest.max(number.unwrap_or(0));
        statement.raw_bind_parameter(index, value).map_err(|error| failed(sql, &error))?;
    }
    if highest == values.len() { Ok(()) } else { Err(miscounted(sql, &format!("${highest}"), values.len())) }
}

fn miscounted(sql: &str, name: &str, values: usize) -> StatementFailure {
    DbError::statement(sql, format!("it is given {values} values and asks for {name}")).into()
}

impl rusqlite::ToSql for ValueRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let value = match self {
            Self::Null => rusqlite::types::ValueRef::Null,
            Self::Integer(integer) => rusqlite::types::ValueRef::Integer(*integer),
            Self::Text(text) => rusqlite::types::ValueRef::Text(text.as_bytes()),
            Self::Short(text) => rusqlite::types::ValueRef::Text(text.as_str().as_bytes()),
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(value))
    }
}

fn failed(sql: &str, error: &rusqlite::Error) -> StatementFailure {
    error_of(sql, error).into()
}

fn error_of(sql: &str, error: &rusqlite::Error) -> DbError {
    let rusqlite::Error::SqliteFailure(cause, message) = error else {
        return DbError::statement(sql, error.to_string());
    };
    if let ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY = cause.extended_code {
        let text = message.as_deref().unwrap_or_default();
        return DbError::Unique { constraint: text.split_once(": ").map_or(text, |(_, columns)| columns).to_owned() };
    }
    match cause.code {
        ErrorCode::ReadOnly => DbError::ReadOnly,
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::OutOfMemory
        | ErrorCode::CannotOpen => DbError::Unavailable(error.to_string()),
        _ => DbError::statement(sql, error.to_string()),
    }
}
