//! `GET /api/v1/reports/favorites`.

use contracts::{report::Favorite, time::BusinessDay};
use db::DbError;

use super::Analytics;
use crate::{
    error::AnalyticsError,
    model::{ReportPeriod, check_limit},
    store,
};

/// What fits on a phone.
const FAVORITES_DEFAULT: u32 = 10;
const FAVORITES_MAX: u32 = 50;
const DAYS_DEFAULT: u32 = 1;

impl Analytics {
    /// The best-selling products of a period, by default of today.
    ///
    /// # Errors
    /// [`AnalyticsError::PeriodBackwards`], [`AnalyticsError::PeriodTooLong`], [`AnalyticsError::Limit`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn list_favorites(
        &self,
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
        limit: Option<u32>,
    ) -> Result<Vec<Favorite>, AnalyticsError> {
        let period = ReportPeriod::requested(from, to, self.today(), DAYS_DEFAULT)?;
        let limit = check_limit(limit, FAVORITES_DEFAULT, FAVORITES_MAX)?;
        let currency = self.shop.current().currency();
        let list = move |tx: &mut db::Tx<'_>| store::reports::list_favorites(tx, period, currency, limit);
        Ok(self.db.read::<_, DbError, _>(list).await?)
    }
}
