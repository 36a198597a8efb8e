//! The queries of the reports.

use contracts::{
    money::{Currency, Money},
    payment::PaymentMethod,
    report::{Favorite, RecentOrder},
    time::BusinessDay,
};
use db::{DbResult, Tx};

use crate::model::{DaySums, ReportPeriod};

/// The sums of a period by payment method. `None`: orders without a method.
pub(crate) fn sum_by_method(
    tx: &mut Tx<'_>,
    period: ReportPeriod,
    currency: Currency,
) -> DbResult<Vec<(Option<PaymentMethod>, DaySums)>> {
    const SQL: &str = "
        SELECT payment_method, CAST(SUM(orders) AS BIGINT) AS orders, CAST(SUM(units) AS BIGINT) AS units,
               CAST(SUM(sales) AS BIGINT) AS sales, CAST(SUM(discount) AS BIGINT) AS discount,
               CAST(SUM(service) AS BIGINT) AS service, CAST(SUM(tax) AS BIGINT) AS tax,
               CAST(SUM(rounding) AS BIGINT) AS rounding
          FROM daily_sales
         WHERE business_day BETWEEN $1 AND $2 AND currency = $3
         GROUP BY payment_method
         ORDER BY payment_method";
    tx.query(SQL, (period.from, period.to, currency), |row| {
        let method: String = row.get("payment_method")?;
        let sums = DaySums {
            orders: row.get("orders")?,
            units: row.get("units")?,
            sales: row.get("sales")?,
            discount: row.get("discount")?,
            service: row.get("service")?,
            tax: row.get("tax")?,
            rounding: row.get("rounding")?,
        };
        Ok((method.parse().ok(), sums))
    })
}

/// The number of orders of each business day, and their sum. A day without orders is left out.
pub(crate) fn sum_by_day(
    tx: &mut Tx<'_>,
    period: ReportPeriod,
    currency: Currency,
) -> DbResult<Vec<(BusinessDay, (i64, i64))>> {
    const SQL: &str = "
        SELECT business_day, CAST(SUM(orders) AS BIGINT) AS orders, CAST(SUM(sales) AS BIGINT) AS sales
          FROM daily_sales
         WHERE business_day BETWEEN $1 AND $2 AND currency = $3
         GROUP BY business_day
         ORDER BY business_day";
    tx.query(SQL, (period.from, period.to, currency), |row| {
        Ok((row.get("business_day")?, (row.get("orders")?, row.get("sales")?)))
    })
}

/// The products with the most units sold, and among equals with the highest sales.
pub(crate) fn list_favorites(
    tx: &mut Tx<'_>,
    period: ReportPeriod,
    currency: Currency,
    limit: u32,
) -> DbResult<Vec<Favorite>> {
    const SQL: &str = "
        SELECT best.product_id, best.units, best.sales,
               (SELECT last.product_name FROM product_performance last
                 WHERE last.product_id = best.product_id
                 ORDER BY last.business_day DESC, last.named_at DESC LIMIT 1) AS product_name
          FROM (SELECT product_id, CAST(SUM(units) AS BIGINT) AS units, CAST(SUM(sales) AS BIGINT) AS sales
                  FROM product_performance
                 WHERE business_day BETWEEN $1 AND $2 AND currency = $3
                 GROUP BY product_id
                HAVING SUM(units) > 0
                 ORDER BY 2 DESC, 3 DESC, 1
                 LIMIT $4) best
         ORDER BY best.units DESC, best.sales DESC, best.product_id";
    tx.query(SQL, (period.from, period.to, currency, limit), |row| {
        Ok(Favorite {
            product_id: row.get("product_id")?,
            product_name: row.get("product_name")?,
            units: row.get("units")?,
            sales: Money::new(row.get("sales")?, currency).amount(),
        })
    })
}

/// The orders that were placed last, whatever their status.
pub(crate) fn list_recent_orders(tx: &mut Tx<'_>, limit: u32) -> DbResult<Vec<RecentOrder>> {
    const SQL: &str = "
        SELECT order_id, order_number, status, channel, total, currency, payment_method, placed_at
          FROM orders_fact ORDER BY placed_at DESC, order_id DESC LIMIT $1";
    tx.query(SQL, (limit,), |row| {
        Ok(RecentOrder {
            order_id: row.get("order_id")?,
            order_number: row.get("order_number")?,
            status: row.get("status")?,
            channel: row.get("channel")?,
            total: Money::new(row.get("total")?, row.get("currency")?).amount(),
            payment_method: row.get("payment_method")?,
            placed_at: row.get("placed_at")?,
        })
    })
}
