//! A lock for each order id: if the same request arrives twice at once, it is executed once and answered twice.
//!
//! The database alone would also accept only one of the two. But by then both have reserved stock, and the second could
//! be refused because the first has reserved the last piece.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use contracts::ids::OrderId;
use tokio::sync::{Mutex, MutexGuard};

/// Orders whose ids share a lock also wait for each other. Even at a thousand orders a second that is rare.
const LOCKS: usize = 1024;

/// The orders that are being placed by this process.
#[derive(Clone)]
pub(super) struct OrderLocks(Arc<Stripes>);

struct Stripes {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for OrderLocks {
    fn default() -> Self {
        let locks = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Self(Arc::new(Stripes { locks, hasher: RandomState::new() }))
    }
}

impl OrderLocks {
    /// Waits until no other request places this order in this process.
    pub(super) async fn lock(&self, order_id: OrderId) -> Option<MutexGuard<'_, ()>> {
        let stripe = usize::try_from(self.0.hasher.hash_one(order_id) % LOCKS as u64).unwrap_or(0);
        Some(self.0.locks.get(stripe)?.lock().await)
    }
}
