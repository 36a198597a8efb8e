//! The metric of items at their low level.

use std::time::Duration;

use super::Inventory;
use crate::{error::InventoryError, store};

/// How often the items are counted: as fresh as a chart needs.
pub(crate) const REPORT_LOW_ITEMS_EVERY: Duration = Duration::from_secs(15);

impl Inventory {
    /// Sets the gauge `stock_items_low`: items at their low level or below.
    pub(crate) async fn report_low_items(&self) -> Result<(), InventoryError> {
        let low = self.db.read(store::count_low_items).await?;
        metrics::gauge!("stock_items_low").set(f64::from(low));
        Ok(())
    }
}
