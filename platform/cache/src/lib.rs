//! The cache: values, versioned values, and hashes with a field for each writer.
//!
//! [`Cache`] is a port with one adapter, in process ([`MemoryCache`]); Redis' belongs beside it. The cache is never the
//! only place that knows something: if it is lost, readers rebuild what they need from the services, more slowly.

#[cfg(test)]
mod conformance;
mod memory;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, time::Duration};

use futures::future::BoxFuture;

pub use memory::MemoryCache;

/// Texts under keys.
pub trait Cache: Send + Sync {
    /// The values of `keys`, in their order. `None` for a key without a value.
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<String>>, CacheError>>;

    /// Sets all of `entries` (key, value), without a TTL. Does nothing if entries of a newer `version` were set under
    /// `name` before, or if those of this version are all still there. Returns whether they were set. It is atomic: no
    /// reader sees entries of two versions.
    fn put_versioned<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        entries: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Sets one field of the hash `key`, and the hash's time to live to `ttl` from now. Does nothing if the field has a
    /// newer or the same `version`.
    fn put_field<'a>(
        &'a self,
        key: &'a str,
        field: &'a str,
        version: i64,
        value: String,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// The fields of the hash `key`. Empty if there is none.
    fn get_fields<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<HashMap<String, String>, CacheError>>;

    /// Completes when the hash `key` was written or removed after this call, even if it is awaited later; now and then
    /// also without a change. To wait for a change without missing one: call this, then read the hash, then await this.
    fn changed<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()>;

    /// Removes `key`, a value or a hash.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), CacheError>>;
}

/// The cache did not answer. Continue without it.
#[derive(Debug, thiserror::Error)]
#[error("the cache cannot be reached")]
pub struct CacheError(#[source] pub errors::BoxError);
