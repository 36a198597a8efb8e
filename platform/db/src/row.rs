//! Rows of a result, read by the names of their columns.

use std::cell::Cell;

use contracts::{
    ids::Id,
    money::Currency,
    time::{BusinessDay, Timestamp},
};
use serde::de::DeserializeOwned;

use crate::{DbError, DbResult, ValueRef};

/// One row of a result.
pub struct Row<'a> {
    of: RowOf<'a>,
    /// Columns are mostly read in their order, so the search for a name starts behind the last one found.
    next: Cell<usize>,
}

#[derive(Clone, Copy)]
pub(crate) enum RowOf<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a ::postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) fn new(of: RowOf<'a>) -> Self {
        Self { of, next: Cell::new(0) }
    }
}

impl Row<'_> {
    /// The value of a column.
    ///
    /// # Errors
    /// [`DbError::Column`] if there is no such column, or its value is not a `T`.
    pub fn get<T: Column>(&self, column: &str) -> DbResult<T> {
        T::from_value(self.value(column)?).map_err(|reason| wrong(column, reason))
    }

    /// The value of a TEXT column that holds JSON.
    ///
    /// # Errors
    /// [`DbError::Column`] if there is no such column, or it does not hold the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> DbResult<T> {
        let value = self.value(column)?;
        let text = text_of(&value).map_err(|reason| wrong(column, reason))?;
        serde_json::from_str(text).map_err(|error| wrong(column, format!("its JSON cannot be read: {error}")))
    }

    fn value(&self, column: &str) -> DbResult<ValueRef<'_>> {
        let index = self.index(column).ok_or_else(|| wrong(column, "the result has no such column".into()))?;
        self.next.set(index + 1);
        match self.of {
            RowOf::Sqlite(row) => sqlite_value(row, index),
            RowOf::Postgres(row) => row.try_get(index).map_err(|error| innermost(&error)),
        }
        .map_err(|reason| wrong(column, reason))
    }

    fn index(&self, column: &str) -> Option<usize> {
        let likely = self.next.get();
        let named = |index: &usize| self.name(*index) == Some(column);
        (likely..self.columns()).find(named).or_else(|| (0..likely).find(named))
    }

    fn columns(&self) -> usize {
        match self.of {
            RowOf::Sqlite(row) => row.as_ref().column_count(),
            RowOf::Postgres(row) => row.len(),
        }
    }

    fn name(&self, index: usize) -> Option<&str> {
        match self.of {
            RowOf::Sqlite(row) => row.as_ref().column_name(index).ok(),
            RowOf::Postgres(row) => row.columns().get(index).map(::postgres::Column::name),
        }
    }
}

fn wrong(column: &str, reason: String) -> DbError {
    DbError::Column { column: column.to_owned(), reason }
}

/// The innermost cause. The outer errors only repeat the number of the column.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

fn sqlite_value<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> Result<ValueRef<'a>, String> {
    match row.get_ref(index).map_err(|error| error.to_string())? {
        rusqlite::types::ValueRef::Null => Ok(ValueRef::Null),
        rusqlite::types::ValueRef::Integer(integer) => Ok(ValueRef::Integer(integer)),
        rusqlite::types::ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map(ValueRef::Text).map_err(|_| "it is not UTF-8".into())
        }
        rusqlite::types::ValueRef::Real(_) => Err("it is a fraction; rows hold BIGINT and TEXT".into()),
        rusqlite::types::ValueRef::Blob(_) => Err("it is a blob; rows hold BIGINT and TEXT".into()),
    }
}

fn integer_of(value: &ValueRef<'_>) -> Result<i64, String> {
    match value {
        ValueRef::Integer(integer) => Ok(*integer),
        other => Err(format!("it is {}, not an integer", other.kind())),
    }
}

fn text_of<'v>(value: &'v ValueRef<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("it is {}, not a text", value.kind()))
}

pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(value: &ValueRef<'_>) -> Result<T, String> {
    text_of(value)?.parse().map_err(|error: T::Err| error.to_string())
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong with the value, such as its type or its range.
    fn from_value(value: ValueRef<'_>) -> Result<Self, String>;
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Null => Ok(None),
            present => T::from_value(present).map(Some),
        }
    }
}
impl Column for i64 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        integer_of(&value)
    }
}
impl Column for i32 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        Self::try_from(integer_of(&value)?).map_err(|error| error.to_string())
    }
}
impl Column for u32 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        Self::try_from(integer_of(&value)?).map_err(|error| error.to_string())
    }
}
impl Column for bool {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        match integer_of(&value)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("{other} is neither 0 nor 1")),
        }
    }
}
impl Column for String {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        text_of(&value).map(str::to_owned)
    }
}
impl Column for Timestamp {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        integer_of(&value).map(Self)
    }
}
impl Column for Currency {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        parsed(&value)
    }
}
impl Column for BusinessDay {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        parsed(&value)
    }
}
impl<Of> Column for Id<Of> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, String> {
        parsed(&value)
    }
}
