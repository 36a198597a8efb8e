//! The cache of one process.

use std::{
    array,
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use metrics::{Counter, Gauge, counter, gauge};
use moka::{Expiry, ops::compute::Op, sync};
use tokio::{sync::Notify, time::Instant};

use crate::{Cache, CacheError};

/// How much is cached. A menu of a thousand products takes 2 MiB, the receipts of the last four hundred orders 3 MiB.
/// An older receipt is rebuilt from the services when somebody asks for it.
const WEIGHT_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// What an entry takes beside its key and value.
const ENTRY_OVERHEAD_BYTES: usize = 128;
/// Of how many names the version is known: more than there is room for entries, so that a version outlives its entries.
const VERSIONED_NAMES_MAX: u64 = 100_000;

/// How many change notifiers there are. Keys share them by their hash, so a waiter is woken in vain now and then.
const CHANGE_NOTIFIERS: usize = 64;

/// Texts in this process, bounded: the least recently used are evicted.
pub struct MemoryCache {
    entries: sync::Cache<String, Entry>,
    versions: sync::Cache<String, i64>,
    /// Locked for writing while several entries change together, and for reading by those who must see all or none.
    consistency: RwLock<()>,
    /// One writer of versioned entries at a time: they are rare.
    versioned_writer: Mutex<()>,
    /// Notified when a hash was written or removed.
    change_notifiers: [Notify; CHANGE_NOTIFIERS],
    notifier_hasher: RandomState,
    metrics: CacheMetrics,
}

#[derive(Clone)]
enum Entry {
    Value(Arc<str>),
    Hash(Arc<Hash>),
}

/// Immutable: a writer replaces it, so that readers do not wait.
#[derive(Clone)]
struct Hash {
    fields: Vec<Field>,
    ttl: Duration,
    expires_at: Instant,
}

#[derive(Clone)]
struct Field {
    name: Arc<str>,
    version: i64,
    value: Arc<str>,
}

/// Install the recorder before the cache is created: the handles are made then.
struct CacheMetrics {
    hits: Counter,
    misses: Counter,
    entries: Gauge,
    size_bytes: Gauge,
}

impl CacheMetrics {
    fn new() -> Self {
        Self {
            hits: counter!("cache_requests_total", "result" => "hit"),
            misses: counter!("cache_requests_total", "result" => "miss"),
            entries: gauge!("cache_entries"),
            size_bytes: gauge!("cache_size_bytes"),
        }
    }

    fn count(&self, is_hit: bool) {
        if is_hit { self.hits.increment(1) } else { self.misses.increment(1) }
    }
}

impl MemoryCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        let entries = sync::Cache::builder()
            .max_capacity(WEIGHT_BYTES_MAX)
            .weigher(|key: &String, entry: &Entry| weight_bytes(key, entry))
            .expire_after(HashExpiry)
            .build();
        Self {
            entries,
            versions: sync::Cache::new(VERSIONED_NAMES_MAX),
            consistency: RwLock::new(()),
            versioned_writer: Mutex::new(()),
            change_notifiers: array::from_fn(|_| Notify::new()),
            notifier_hasher: RandomState::new(),
            metrics: CacheMetrics::new(),
        }
    }

    /// The weight of all entries, after the pending evictions.
    #[cfg(test)]
    pub(crate) fn weight_bytes(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }

    fn change_notifier(&self, key: &str) -> &Notify {
        let index = self.notifier_hasher.hash_one(key) % CHANGE_NOTIFIERS as u64;
        &self.change_notifiers[usize::try_from(index).unwrap_or(0)]
    }

    fn value(&self, key: &str) -> Option<String> {
        match self.entries.get(key)? {
            Entry::Value(value) => Some(value.as_ref().to_owned()),
            Entry::Hash(_) => None,
        }
    }

    fn set_versioned(&self, name: &str, version: i64, entries: &[(String, String)]) -> bool {
        let _one_at_a_time = self.versioned_writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.versions.get(name);
        let is_present = |(key, _): &(String, String)| self.entries.contains_key(key);
        if current.is_some_and(|current| current > version || current == version && entries.iter().all(is_present)) {
            return false;
        }
        let _atomic = self.consistency.write().unwrap_or_else(PoisonError::into_inner);
        self.versions.insert(name.to_owned(), version);
        for (key, value) in entries {
            self.entries.insert(key.clone(), Entry::Value(value.as_str().into()));
        }
        true
    }

    fn set_field(&self, key: &str, field: Field, ttl: Duration) {
        let now = Instant::now();
        self.entries.entry_by_ref(key).and_compute_with(|current| {
            let fields = match current.map(moka::Entry::into_value) {
                Some(Entry::Hash(hash)) if hash.expires_at > now => hash.with(field),
                _ => Some(vec![field]),
            };
            match fields {
                Some(fields) => Op::Put(Entry::Hash(Arc::new(Hash { fields, ttl, expires_at: now + ttl }))),
                None => Op::Nop,
            }
        });
    }

    /// Both are what moka has processed so far.
    fn report_size(&self) {
        let reported = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        self.metrics.entries.set(reported(self.entries.entry_count()));
        self.metrics.size_bytes.set(reported(self.entries.weighted_size()));
    }
}

impl Hash {
    /// The fields with this one set. `None`: it has a newer or the same version already.
    fn with(&self, field: Field) -> Option<Vec<Field>> {
        let mut fields = self.fields.clone();
        match fields.iter_mut().find(|current| current.name == field.name) {
            Some(current) if current.version >= field.version => return None,
            Some(current) => *current = field,
            None => fields.push(field),
        }
        Some(fields)
    }
}

impl Cache for MemoryCache {
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<String>>, CacheError>> {
        async move {
            let _consistent = self.consistency.read().unwrap_or_else(PoisonError::into_inner);
            let values: Vec<_> = keys.iter().map(|key| self.value(key)).collect();
            values.iter().for_each(|value| self.metrics.count(value.is_some()));
            Ok(values)
        }
        .boxed()
    }

    fn put_versioned<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        entries: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        async move {
            let is_set = self.set_versioned(name, version, entries);
            self.report_size();
            Ok(is_set)
        }
        .boxed()
    }

    fn put_field<'a>(
        &'a self,
        key: &'a str,
        field: &'a str,
        version: i64,
        value: String,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        async move {
            self.set_field(key, Field { name: field.into(), version, value: value.into() }, ttl);
            self.change_notifier(key).notify_waiters();
            self.report_size();
            Ok(())
        }
        .boxed()
    }

    fn get_fields<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<HashMap<String, String>, CacheError>> {
        async move {
            let hash = match self.entries.get(key) {
                Some(Entry::Hash(hash)) if hash.expires_at > Instant::now() => Some(hash),
                _ => None,
            };
            self.metrics.count(hash.is_some());
            let fields = hash.iter().flat_map(|hash| &hash.fields);
            Ok(fields.map(|field| (field.name.as_ref().into(), field.value.as_ref().into())).collect())
        }
        .boxed()
    }

    fn changed<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()> {
        // This future gets every notification from here on, also before it is polled.
        self.change_notifier(key).notified().boxed()
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), CacheError>> {
        async move {
            self.entries.invalidate(key);
            self.change_notifier(key).notify_waiters();
            self.report_size();
            Ok(())
        }
        .boxed()
    }
}

impl Default for MemoryCache {
    fn default() -> Self {
        Self::new()
    }
}
impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").field("entries", &self.entries.entry_count()).finish_non_exhaustive()
    }
}

/// Frees the memory of expired hashes. Whether a hash is expired is decided by `expires_at` alone.
struct HashExpiry;

impl Expiry<String, Entry> for HashExpiry {
    fn expire_after_create(&self, _key: &String, entry: &Entry, _at: std::time::Instant) -> Option<Duration> {
        ttl(entry)
    }

    fn expire_after_update(
        &self,
        _key: &String,
        entry: &Entry,
        _at: std::time::Instant,
        _remaining: Option<Duration>,
    ) -> Option<Duration> {
        ttl(entry)
    }
}

fn ttl(entry: &Entry) -> Option<Duration> {
    match entry {
        Entry::Value(_) => None,
        Entry::Hash(hash) => Some(hash.ttl),
    }
}

fn weight_bytes(key: &str, entry: &Entry) -> u32 {
    let content_bytes = match entry {
        Entry::Value(value) => value.len(),
        Entry::Hash(hash) => {
            hash.fields.iter().map(|field| field.name.len() + field.value.len() + ENTRY_OVERHEAD_BYTES).sum()
        }
    };
    u32::try_from(key.len() + content_bytes + ENTRY_OVERHEAD_BYTES).unwrap_or(u32::MAX)
}
