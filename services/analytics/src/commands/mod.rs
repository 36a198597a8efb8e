//! One use case per file: the extraction and the four reports.

mod extract_orders;
mod list_favorites;
mod list_recent_orders;
mod list_sales_trend;
mod metrics;
mod source_databases;
mod summarize_sales;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use clock::Clock;
use contracts::time::{BusinessDay, Timestamp};
use db::Db;
use host::{ServiceContext, SharedShopRules};

use crate::model::AnalyticsSettings;
use source_databases::SourceDatabases;

#[cfg(test)]
pub(crate) use extract_orders::ORDERS_PER_BATCH_MAX;
pub(crate) use metrics::describe;

/// The state of the service. Clones share it.
#[derive(Clone)]
pub(crate) struct Analytics {
    db: Db,
    clock: Clock,
    shop: SharedShopRules,
    settings: AnalyticsSettings,
    extraction: Arc<Extraction>,
}

/// What the runs of the extraction share within this process.
struct Extraction {
    sources: SourceDatabases,
    /// Held by the current run: two at once would only conflict.
    running: tokio::sync::Mutex<()>,
    /// Whether an order changed since the last run. Set at the start, so that the first run comes soon.
    is_requested: AtomicBool,
    /// When the last run began, finished or not.
    last_run: Mutex<Option<Timestamp>>,
    /// When the last finished run with a long lookback began.
    last_long_run: Mutex<Option<Timestamp>>,
}

impl Analytics {
    pub(crate) fn new(db: Db, context: &ServiceContext, settings: AnalyticsSettings) -> Self {
        let extraction = Extraction {
            sources: SourceDatabases::new(context.databases.clone()),
            running: tokio::sync::Mutex::new(()),
            is_requested: AtomicBool::new(true),
            last_run: Mutex::new(None),
            last_long_run: Mutex::new(None),
        };
        let (clock, shop) = (context.clock.clone(), context.shop.clone());
        Self { db, clock, shop, settings, extraction: Arc::new(extraction) }
    }

    /// Requests an extraction soon, because an order may have changed.
    pub(crate) fn request_extraction(&self) {
        self.extraction.is_requested.store(true, Ordering::SeqCst);
    }

    fn today(&self) -> BusinessDay {
        self.shop.current().business_day(self.clock.now())
    }
}

fn get(time: &Mutex<Option<Timestamp>>) -> Option<Timestamp> {
    *time.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set(time: &Mutex<Option<Timestamp>>, to: Timestamp) {
    *time.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
}
