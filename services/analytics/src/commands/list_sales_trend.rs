//! `GET /api/v1/reports/sales-trend`.

use contracts::{money::Money, report::TrendDay, time::BusinessDay};
use db::DbError;

use super::Analytics;
use crate::{
    error::AnalyticsError,
    model::{ReportPeriod, fill_days},
    store,
};

/// A week shows its weekdays.
const DAYS_DEFAULT: u32 = 7;

impl Analytics {
    /// Each business day of a period, by default the last seven, days without sales included.
    ///
    /// # Errors
    /// [`AnalyticsError::PeriodBackwards`], [`AnalyticsError::PeriodTooLong`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn list_sales_trend(
        &self,
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
    ) -> Result<Vec<TrendDay>, AnalyticsError> {
        let period = ReportPeriod::requested(from, to, self.today(), DAYS_DEFAULT)?;
        let currency = self.shop.current().currency();
        let sums = self.db.read::<_, DbError, _>(move |tx| store::reports::sum_by_day(tx, period, currency)).await?;
        let day = |(business_day, (orders, sales))| TrendDay {
            business_day,
            orders,
            sales: Money::new(sales, currency).amount(),
        };
        Ok(fill_days(period, &sums).into_iter().map(day).collect())
    }
}
