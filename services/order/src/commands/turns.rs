//! The same request twice at an instant: the second waits for the first, and is then answered the same.
//!
//! The database alone would let one of them win too; but before that each would hold stock, and the last piece would be
//! out of stock for the one that asked second.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use db::idempotency::IdempotencyKey;
use tokio::sync::{Mutex, MutexGuard};

/// Requests of other keys that share a place wait for each other too: at a thousand orders a second hardly ever.
const PLACES: usize = 1024;

/// Who may place an order now, by the request's key.
#[derive(Clone)]
pub(super) struct Turns(Arc<Places>);

struct Places {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        let locks = (0..PLACES).map(|_| Mutex::new(())).collect();
        Self(Arc::new(Places { locks, hasher: RandomState::new() }))
    }
}

impl Turns {
    /// Waits until no other request of this key is under way in this process. A request without a key has no other.
    pub(super) async fn wait(&self, key: Option<&IdempotencyKey>) -> Option<MutexGuard<'_, ()>> {
        let IdempotencyKey { caller, route, key, fingerprint: _ } = key?;
        let hash = usize::try_from(self.0.hasher.hash_one((caller, route, key)) % PLACES as u64).unwrap_or(0);
        Some(self.0.locks.get(hash)?.lock().await)
    }
}
