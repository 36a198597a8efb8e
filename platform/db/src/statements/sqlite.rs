//! Statements on SQLite: parameters, rows, and what SQLite's errors mean.

use std::ops::ControlFlow;

use rusqlite::{Connection, ErrorCode, Statement, ffi};

use crate::{Cause, DbError, DbResult, Row, ValueRef, row::RowOf, statement_failure::StatementFailure};

/// Runs a statement that controls the transaction.
pub(crate) fn run(connection: &Connection, sql: &'static str) -> DbResult<()> {
    execute(connection, sql, &[]).map(|_| ()).map_err(|failed| failed.error)
}

/// Runs a statement. Returns how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, values: &[ValueRef<'_>]) -> Result<u64, StatementFailure> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(sql, error))?;
    bind(&mut statement, sql, values)?;
    let rows = statement.raw_execute().map_err(|error| failed(sql, error))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

/// Runs a statement and passes its rows to `visit`, until that breaks off.
pub(crate) fn each(
    connection: &Connection,
    sql: &str,
    values: &[ValueRef<'_>],
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), StatementFailure> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(sql, error))?;
    bind(&mut statement, sql, values)?;
    // A statement that writes is run to its end, where SQLite checks its foreign keys.
    let only_reads = statement.readonly();
    let mut is_done = false;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| failed(sql, error))? {
        is_done = is_done || visit(&Row::new(RowOf::Sqlite(row))).is_break();
        if is_done && only_reads {
            break;
        }
    }
    Ok(())
}

/// Binds `$1` to the first value, and so on. To SQLite, `$1` is a name, and its number is that of
/// its first appearance.
fn bind(statement: &mut Statement<'_>, sql: &str, values: &[ValueRef<'_>]) -> Result<(), StatementFailure> {
    let mut highest = 0;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?");
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = *value.ok_or_else(|| wrong_count(sql, name, values.len()))?;
        highest = highest.max(number.unwrap_or(0));
        statement.raw_bind_parameter(index, value).map_err(|error| failed(sql, error))?;
    }
    if highest == values.len() { Ok(()) } else { Err(wrong_count(sql, &format!("${highest}"), values.len())) }
}

fn wrong_count(sql: &str, name: &str, values: usize) -> StatementFailure {
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

fn failed(sql: &str, error: rusqlite::Error) -> StatementFailure {
    error_of(sql, error).into()
}

fn error_of(sql: &str, error: rusqlite::Error) -> DbError {
    let rusqlite::Error::SqliteFailure(cause, message) = &error else {
        return DbError::statement(sql, error);
    };
    if let ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY = cause.extended_code {
        let text = message.as_deref().unwrap_or_default();
        return DbError::Unique { constraint: text.split_once(": ").map_or(text, |(_, columns)| columns).to_owned() };
    }
    match (cause.code, cause.extended_code) {
        (ErrorCode::ReadOnly, _) => DbError::ReadOnly,
        // The second: the WAL's index cannot grow.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => DbError::DiskFull(Cause::new(error)),
        (
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen,
            _,
        ) => DbError::unavailable(error),
        _ => DbError::statement(sql, error),
    }
}

/// Whether a write failed for lack of space, so that truncating the WAL may help: the disk is full, or a write was cut
/// short by a quota or a limit on the file's size.
pub(crate) fn lacks_space(error: &DbError) -> bool {
    match error {
        DbError::DiskFull(_) => true,
        DbError::Unavailable(cause) => cause
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error)
            .is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE),
        _ => false,
    }
}
