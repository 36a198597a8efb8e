//! Databases: connections, write transactions, migrations, outbox, inbox, idempotency keys, dead letters.
//!
//! SQLite for one shop and PostgreSQL for many, behind one [`Db`]: the same SQL, and the same synchronous code in
//! [`Db::write`] and [`Db::read`]. This crate reads and writes rows and does not know what they mean.
//!
//! The dialect is what both databases share: `$1`, `RETURNING`, `ON CONFLICT`, BIGINT, TEXT, CHECK, partial indexes.
//! One exception: `WITHOUT ROWID` in migrations, which is removed for PostgreSQL.

pub mod approvals;
mod database;
pub mod dead_letters;
mod error;
mod health;
pub mod idempotency;
pub mod inbox;
mod instance_lock;
mod job;
mod job_queue;
mod metrics;
mod migrations;
mod options;
pub mod outbox;
mod params;
mod postgres;
mod private_files;
mod row;
mod sql;
mod sqlite;
mod statement_failure;
mod statements;
#[cfg(test)]
mod tests;
mod threads;
mod tx;
mod url;
mod value;

pub use database::Db;
pub use error::{Cause, DbError, DbResult, InstanceLockError, OpenError};
pub use instance_lock::InstanceLock;
pub use migrations::Schema;
pub use options::DbOptions;
pub use params::Params;
pub use row::{Column, Row};
pub use sql::{in_list, like_contains, placeholders};
pub use tx::Tx;
pub use url::{DbUrl, InvalidServerUrl, ServerUrl, without_secrets};
pub use value::{ShortText, ToValue, Value, ValueRef, json};
