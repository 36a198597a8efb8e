//! The cache: values, versioned values, and hashes with a field for each writer.
//!
//! A port, [`Cache`], with one adapter in process ([`MemoryCache`]); Redis' belongs beside it. Losing it costs time,
//! not truth: every reader can put together what it does not find.

#[cfg(test)]
mod conformance;
mod memory;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, time::Duration};

use futures::future::BoxFuture;

pub use memory::MemoryCache;

/// Keeps texts under keys.
pub trait Cache: Send + Sync {
    /// The values of `keys`, in their order; `None` where there is none.
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<String>>, CacheError>>;

    /// Keeps all of `entries` (key, value) for ever, unless entries of a newer `version` were kept under `name` before,
    /// or those of this version are all there. Answers whether they were taken. All or none: two writers cannot mix,
    /// and no reader sees entries of two versions.
    fn put_versioned<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        entries: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Sets one field of the hash `key`, and makes the hash live `life` from now. Unless the field holds a newer or
    /// the same `version`.
    fn put_field<'a>(
        &'a self,
        key: &'a str,
        field: &'a str,
        version: i64,
        value: String,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// The fields of the hash `key`; empty where there is none.
    fn get_fields<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<HashMap<String, String>, CacheError>>;

    /// Ends when a field of the hash `key` was set, or the hash forgotten, after this call, be it awaited or not; sometimes
    /// without that. Call it before a look at the hash, and await it after one that found too little: then nothing is
    /// missed between.
    fn changed<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()>;

    /// Forgets `key`, be it a value or a hash.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), CacheError>>;
}

/// The cache did not answer. Go on without it.
#[derive(Debug, thiserror::Error)]
#[error("the cache cannot be reached: {0}")]
pub struct CacheError(pub String);
