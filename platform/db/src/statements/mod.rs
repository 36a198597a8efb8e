//! Running statements: on a connection to SQLite, or in a transaction of PostgreSQL.

pub(crate) mod postgres;
mod postgres_errors;
mod postgres_values;
pub(crate) mod sqlite;
