//! The metric of items at their low level.

use std::time::Duration;

use super::Inventory;
use crate::{error::InventoryError, store};

/// How often the items are counted: as fresh as a chart needs.
pub(crate) const REPORT_LOW_ITEMS_EVERY: Duration = Duration::from_secs(15);

const LOW_ITEMS: &str = "stock_items_low";

/// Describes the metric for `/metrics`.
pub(crate) fn describe_metrics() {
    metrics::describe_gauge!(LOW_ITEMS, "Items of stock at their low level or below.");
}

impl Inventory {
    /// Sets the gauge `stock_items_low`: items at their low level or below.
    pub(crate) async fn report_low_items(&self) -> Result<(), InventoryError> {
        let low = self.db.read(store::count_low_items).await?;
        metrics::gauge!(LOW_ITEMS).set(f64::from(low));
        Ok(())
    }
}
