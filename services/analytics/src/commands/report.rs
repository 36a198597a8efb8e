//! The four reports, from the fact tables and the daily sums alone.

use contracts::{
    money::Money,
    report::{Favorite, MethodSales, RecentOrder, Summary, TrendDay},
    time::BusinessDay,
};
use db::DbError;

use super::Analytics;
use crate::{
    error::AnalyticsError,
    model::{DaySums, Span, average, check_limit, filled_trend},
    store,
};

/// What fits on an owner's phone, and what a long list has at most.
const FAVORITES_USUAL: u32 = 10;
const FAVORITES_MAX: u32 = 50;
/// A glance, and one screen of a busy bar.
const RECENT_ORDERS_USUAL: u32 = 20;
const RECENT_ORDERS_MAX: u32 = contracts::PAGE_ROWS_MAX;
/// A week shows its weekdays.
const TREND_DAYS_USUAL: u32 = 7;
/// The summary and the favorites are today's unless told otherwise.
const SUMMARY_DAYS_USUAL: u32 = 1;

impl Analytics {
    /// The sums of a span of business days, today's by default.
    ///
    /// # Errors
    /// Where there can be no report about the span.
    pub(crate) async fn summary(
        &self,
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
    ) -> Result<Summary, AnalyticsError> {
        let span = Span::asked(from, to, self.today(), SUMMARY_DAYS_USUAL)?;
        let currency = self.shop.current().currency();
        let read = self.db.read::<_, DbError, _>(move |tx| {
            Ok((store::reports::sums_by_method(tx, span, currency)?, store::watermark::find(tx)?.run_at))
        });
        let (by_method, as_of) = read.await?;

        let whole = by_method.iter().fold(DaySums::default(), |whole, (_, sums)| added(whole, *sums));
        let amount = |minor| Money::new(minor, currency).amount();
        let methods = by_method.into_iter().filter(|(_, sums)| sums.orders > 0).filter_map(|(method, sums)| {
            Some(MethodSales { method: method?, orders: sums.orders, sales: amount(sums.sales) })
        });
        Ok(Summary {
            from: span.from,
            to: span.to,
            currency,
            orders: whole.orders,
            units: whole.units,
            sales: amount(whole.sales),
            discount: amount(whole.discount),
            service: amount(whole.service),
            tax: amount(whole.tax),
            net_sales: amount(whole.sales - whole.tax),
            average_order: average(whole.sales, whole.orders).map(amount),
            by_method: methods.collect(),
            as_of,
        })
    }

    /// What sold most in a span of business days, today by default.
    ///
    /// # Errors
    /// Where there can be no report about the span, or not of so many rows.
    pub(crate) async fn favorites(
        &self,
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
        limit: Option<u32>,
    ) -> Result<Vec<Favorite>, AnalyticsError> {
        let span = Span::asked(from, to, self.today(), SUMMARY_DAYS_USUAL)?;
        let limit = check_limit(limit, FAVORITES_USUAL, FAVORITES_MAX)?;
        let currency = self.shop.current().currency();
        self.db.read(move |tx| Ok(store::reports::favorites(tx, span, currency, limit)?)).await
    }

    /// Each business day of a span, the last seven by default, days without sales too.
    ///
    /// # Errors
    /// Where there can be no report about the span.
    pub(crate) async fn sales_trend(
        &self,
        from: Option<BusinessDay>,
        to: Option<BusinessDay>,
    ) -> Result<Vec<TrendDay>, AnalyticsError> {
        let span = Span::asked(from, to, self.today(), TREND_DAYS_USUAL)?;
        let currency = self.shop.current().currency();
        let sums = self.db.read::<_, DbError, _>(move |tx| store::reports::sums_by_day(tx, span, currency)).await?;
        let day = |(business_day, (orders, sales))| TrendDay {
            business_day,
            orders,
            sales: Money::new(sales, currency).amount(),
        };
        Ok(filled_trend(span, &sums).into_iter().map(day).collect())
    }

    /// The orders that were placed last, whatever became of them.
    ///
    /// # Errors
    /// Where there are not so many rows in a report.
    pub(crate) async fn recent_orders(&self, limit: Option<u32>) -> Result<Vec<RecentOrder>, AnalyticsError> {
        let limit = check_limit(limit, RECENT_ORDERS_USUAL, RECENT_ORDERS_MAX)?;
        self.db.read(move |tx| Ok(store::reports::recent_orders(tx, limit)?)).await
    }

    fn today(&self) -> BusinessDay {
        self.shop.current().business_day(self.clock.now())
    }
}

fn added(left: DaySums, right: DaySums) -> DaySums {
    DaySums {
        orders: left.orders + right.orders,
        units: left.units + right.units,
        sales: left.sales + right.sales,
        discount: left.discount + right.discount,
        service: left.service + right.service,
        tax: left.tax + right.tax,
    }
}
