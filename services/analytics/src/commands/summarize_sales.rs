//! `GET /api/v1/reports/summary`.

use contracts::{
    money::Money,
    report::{MethodSales, Summary},
    time::BusinessDay,
};
use db::DbError;

use super::Analytics;
use crate::{
    error::AnalyticsError,
    model::{DaySums, ReportPeriod, average},
    store,
};

const DAYS_DEFAULT: u32 = 1;

impl Analytics {
    /// The sums of a period, by default of today.
    ///
    /// # Errors
    /// [`AnalyticsError::PeriodBackwards`], [`AnalyticsError::PeriodTooLong`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn summarize_sales(
        &self,
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
    ) -> Result<Summary, AnalyticsError> {
        let period = ReportPeriod::requested(from, to, self.today(), DAYS_DEFAULT)?;
        let currency = self.shop.current().currency();
        let read = self.db.read::<_, DbError, _>(move |tx| {
            let by_method = store::reports::sum_by_method(tx, period, currency)?;
            Ok((by_method, store::watermark::find_watermark(tx)?.run_at))
        });
        let (by_method, as_of) = read.await?;

        let total = by_method.iter().fold(DaySums::default(), |total, (_, sums)| add(total, *sums));
        let amount = |minor| Money::new(minor, currency).amount();
        let methods = by_method.into_iter().filter(|(_, sums)| sums.orders > 0).filter_map(|(method, sums)| {
            Some(MethodSales {
                method: method?,
                orders: sums.orders,
                sales: amount(sums.sales),
                received: amount(sums.sales + sums.rounding),
            })
        });
        Ok(Summary {
            from: period.from,
            to: period.to,
            currency,
            orders: total.orders,
            units: total.units,
            sales: amount(total.sales),
            discount: amount(total.discount),
            service: amount(total.service),
            tax: amount(total.tax),
            net_sales: amount(total.sales - total.tax),
            average_order: average(total.sales, total.orders).map(amount),
            cash_rounding: amount(total.rounding),
            by_method: methods.collect(),
            as_of,
        })
    }
}

fn add(left: DaySums, right: DaySums) -> DaySums {
    DaySums {
        orders: left.orders + right.orders,
        units: left.units + right.units,
        sales: left.sales + right.sales,
        discount: left.discount + right.discount,
        service: left.service + right.service,
        tax: left.tax + right.tax,
        rounding: left.rounding + right.rounding,
    }
}
