//! `GET /api/v1/reports/recent-orders`.

use contracts::{PAGE_ROWS_MAX, report::RecentOrder};
use db::DbError;

use super::Analytics;
use crate::{error::AnalyticsError, model::check_limit, store};

/// A glance.
const ORDERS_DEFAULT: u32 = 20;

impl Analytics {
    /// The orders that were placed last, whatever their status.
    ///
    /// # Errors
    /// [`AnalyticsError::Limit`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn list_recent_orders(&self, limit: Option<u32>) -> Result<Vec<RecentOrder>, AnalyticsError> {
        let limit = check_limit(limit, ORDERS_DEFAULT, PAGE_ROWS_MAX)?;
        Ok(self.db.read::<_, DbError, _>(move |tx| store::reports::list_recent_orders(tx, limit)).await?)
    }
}
