//! Databases: connections, write transactions, migrations, outbox, inbox, idempotency keys, dead letters.
//!
//! SQLite for one shop, PostgreSQL for many, behind one [`Db`]: the same SQL, the same synchronous code inside
//! [`Db::write`] and [`Db::read`]. Owns how rows are reached; refuses to know what they mean.
//!
//! The dialect is what both databases share: `$1`, `RETURNING`, `ON CONFLICT`, BIGINT, TEXT, CHECK, partial indexes; and
//! `WITHOUT ROWID` in migrations, which PostgreSQL does not get to see.

mod database;
pub mod dead_letters;
mod error;
pub mod idempotency;
pub mod inbox;
mod instance_lock;
mod job;
mod migrations;
pub mod outbox;
mod params;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod statement_failure;
#[cfg(test)]
mod tests;
mod tx;
mod url;
mod value;

pub use database::{Db, DbOptions};
pub use error::{DbError, DbResult, OpenError};
pub use instance_lock::{InstanceLock, InstanceLockError};
pub use migrations::Schema;
pub use params::Params;
pub use row::{Column, Row};
pub use sql::{like_contains, listed, places};
pub use tx::Tx;
pub use url::{DbUrl, InvalidServerUrl, ServerUrl, without_secrets};
pub use value::{ShortText, ToValue, Value, ValueRef, json};
