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
use moka::{Expiry, ops::compute::Op, sync};
use tokio::{sync::Notify, time::Instant};

use crate::{Cache, CacheError};

/// How much is kept. A menu of a thousand products takes 2 MiB, the receipts of the last four hundred orders 3; an
/// older one is put together from the services when somebody asks for it.
const WEIGHT_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// What an entry weighs beside its key and value.
const ENTRY_OVERHEAD_BYTES: usize = 128;
/// Of how many names the version is remembered: more than entries fit, so that a version outlives what it guards.
const VERSIONED_NAMES_MAX: u64 = 100_000;

/// How many bells there are for those who wait for a change. Whoever shares one is woken in vain at times.
const BELLS: usize = 64;

/// Keeps texts in this process, bounded; what was used least leaves first.
pub struct MemoryCache {
    entries: sync::Cache<String, Entry>,
    versions: sync::Cache<String, i64>,
    /// Held for writing by what must be seen whole, for reading by who must not see a half.
    whole: RwLock<()>,
    /// One writer of versioned entries at a time: they are rare.
    versioning: Mutex<()>,
    /// Rung when a hash has changed, or is gone.
    bells: [Notify; BELLS],
    bell_of: RandomState,
}

#[derive(Clone)]
enum Entry {
    Value(Arc<str>),
    Hash(Arc<Hash>),
}

/// Never changed in place: a writer makes the next one, so that readers do not wait.
#[derive(Clone)]
struct Hash {
    fields: Vec<Field>,
    life: Duration,
    dies_at: Instant,
}

#[derive(Clone)]
struct Field {
    name: Arc<str>,
    version: i64,
    value: Arc<str>,
}

impl MemoryCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        let entries = sync::Cache::builder()
            .max_capacity(WEIGHT_BYTES_MAX)
            .weigher(|key: &String, entry: &Entry| weight_bytes(key, entry))
            .expire_after(Lives)
            .build();
        let versions = sync::Cache::new(VERSIONED_NAMES_MAX);
        let bells = array::from_fn(|_| Notify::new());
        let (whole, versioning, bell_of) = (RwLock::new(()), Mutex::new(()), RandomState::new());
        Self { entries, versions, whole, versioning, bells, bell_of }
    }

    /// What is kept at the moment weighs so much.
    #[cfg(test)]
    pub(crate) fn weight_bytes(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }

    fn bell(&self, key: &str) -> &Notify {
        let number = usize::try_from(self.bell_of.hash_one(key) % BELLS as u64).unwrap_or(0);
        &self.bells[number]
    }

    fn value(&self, key: &str) -> Option<String> {
        match self.entries.get(key)? {
            Entry::Value(value) => Some(value.as_ref().to_owned()),
            Entry::Hash(_) => None,
        }
    }

    fn take_versioned(&self, name: &str, version: i64, entries: &[(String, String)]) -> bool {
        let _one_at_a_time = self.versioning.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.versions.get(name);
        let is_kept = |(key, _): &(String, String)| self.entries.contains_key(key);
        if kept.is_some_and(|kept| kept > version || kept == version && entries.iter().all(is_kept)) {
            return false;
        }
        let _whole = self.whole.write().unwrap_or_else(PoisonError::into_inner);
        self.versions.insert(name.to_owned(), version);
        for (key, value) in entries {
            self.entries.insert(key.clone(), Entry::Value(value.as_str().into()));
        }
        true
    }

    fn set_field(&self, key: &str, field: Field, life: Duration) {
        let now = Instant::now();
        self.entries.entry_by_ref(key).and_compute_with(|kept| {
            let fields = match kept.map(moka::Entry::into_value) {
                Some(Entry::Hash(hash)) if hash.dies_at > now => hash.with(field),
                _ => Some(vec![field]),
            };
            match fields {
                Some(fields) => Op::Put(Entry::Hash(Arc::new(Hash { fields, life, dies_at: now + life }))),
                None => Op::Nop,
            }
        });
    }
}

impl Hash {
    /// The fields with this one set. `None`: it holds a newer or the same version.
    fn with(&self, field: Field) -> Option<Vec<Field>> {
        let mut fields = self.fields.clone();
        match fields.iter_mut().find(|kept| kept.name == field.name) {
            Some(kept) if kept.version >= field.version => return None,
            Some(kept) => *kept = field,
            None => fields.push(field),
        }
        Some(fields)
    }
}

impl Cache for MemoryCache {
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<String>>, CacheError>> {
        async move {
            let _whole = self.whole.read().unwrap_or_else(PoisonError::into_inner);
            Ok(keys.iter().map(|key| self.value(key)).collect())
        }
        .boxed()
    }

    fn put_versioned<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        entries: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        async move { Ok(self.take_versioned(name, version, entries)) }.boxed()
    }

    fn put_field<'a>(
        &'a self,
        key: &'a str,
        field: &'a str,
        version: i64,
        value: String,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        async move {
            self.set_field(key, Field { name: field.into(), version, value: value.into() }, life);
            self.bell(key).notify_waiters();
            Ok(())
        }
        .boxed()
    }

    fn get_fields<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<HashMap<String, String>, CacheError>> {
        async move {
            let hash = match self.entries.get(key) {
                Some(Entry::Hash(hash)) if hash.dies_at > Instant::now() => hash,
                _ => return Ok(HashMap::new()),
            };
            Ok(hash.fields.iter().map(|field| (field.name.as_ref().into(), field.value.as_ref().into())).collect())
        }
        .boxed()
    }

    fn changed<'a>(&'a self, key: &'a str) -> BoxFuture<'a, ()> {
        // It hears every ring from here on.
        self.bell(key).notified().boxed()
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), CacheError>> {
        async move {
            self.entries.invalidate(key);
            self.bell(key).notify_waiters();
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

/// Frees the memory of hashes whose life is over. That they are over, `dies_at` says.
struct Lives;

impl Expiry<String, Entry> for Lives {
    fn expire_after_create(&self, _key: &String, entry: &Entry, _at: std::time::Instant) -> Option<Duration> {
        life(entry)
    }

    fn expire_after_update(
        &self,
        _key: &String,
        entry: &Entry,
        _at: std::time::Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        life(entry)
    }
}

fn life(entry: &Entry) -> Option<Duration> {
    match entry {
        Entry::Value(_) => None,
        Entry::Hash(hash) => Some(hash.life),
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
