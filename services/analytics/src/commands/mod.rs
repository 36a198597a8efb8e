//! What the owner can ask, and how the answers come to be.

mod extract;
mod report;
mod sources;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use clock::Clock;
use contracts::time::Timestamp;
use db::Db;
use host::{Databases, SharedShopRules};

use crate::model::AnalyticsSettings;
use sources::Sources;

#[cfg(test)]
pub(crate) use extract::ORDERS_PER_BATCH_MAX;

/// Reports: the home of their commands. Clones share one extraction.
#[derive(Clone)]
pub(crate) struct Analytics {
    pub(crate) db: Db,
    clock: Clock,
    shop: SharedShopRules,
    pub(crate) settings: AnalyticsSettings,
    extraction: Arc<Extraction>,
}

/// What the runs of the extraction share within this process.
struct Extraction {
    sources: Sources,
    /// Held by the run that is going on: two at once would only overtake each other.
    turn: tokio::sync::Mutex<()>,
    /// Whether something happened that the figures do not show yet. Set at the start, so that the first run comes soon.
    has_changed: AtomicBool,
    /// When the last run began, whether it came to its end or not.
    last: Mutex<Option<Timestamp>>,
    /// When the last run that went far back, and came to its end, began.
    last_far: Mutex<Option<Timestamp>>,
}

impl Analytics {
    /// Reports in `db`, from the databases of the other services.
    pub(crate) fn new(
        db: Db,
        databases: Databases,
        clock: Clock,
        shop: SharedShopRules,
        settings: AnalyticsSettings,
    ) -> Self {
        let extraction = Extraction {
            sources: Sources::new(databases),
            turn: tokio::sync::Mutex::new(()),
            has_changed: AtomicBool::new(true),
            last: Mutex::new(None),
            last_far: Mutex::new(None),
        };
        Self { db, clock, shop, settings, extraction: Arc::new(extraction) }
    }

    /// Notes that something happened which the figures do not show yet.
    pub(crate) fn note_change(&self) {
        self.extraction.has_changed.store(true, Ordering::SeqCst);
    }

    fn last_run(&self) -> Option<Timestamp> {
        *self.extraction.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_far_run(&self) -> Option<Timestamp> {
        *self.extraction.last_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_far_run(&self, started: Timestamp) {
        *self.extraction.last_far.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
    }

    fn note_run(&self, started: Timestamp) {
        *self.extraction.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
    }
}
