//! Rows of `daily_sales` and `product_performance`.

use db::{DbResult, Tx};

use crate::model::{DayKey, DaySums, ProductKey, ProductSums};

/// Adds to the sales of a day and payment method.
pub(crate) fn add_to_day(tx: &mut Tx<'_>, key: &DayKey, sums: &DaySums) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO daily_sales (business_day, currency, payment_method, orders, units, sales, discount, service, tax,
                                 rounding)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (business_day, currency, payment_method) DO UPDATE SET
               orders = daily_sales.orders + excluded.orders, units = daily_sales.units + excluded.units,
               sales = daily_sales.sales + excluded.sales, discount = daily_sales.discount + excluded.discount,
               service = daily_sales.service + excluded.service, tax = daily_sales.tax + excluded.tax,
               rounding = daily_sales.rounding + excluded.rounding";
    let params = (
        key.business_day,
        key.currency,
        key.payment_method,
        sums.orders,
        sums.units,
        sums.sales,
        sums.discount,
        sums.service,
        sums.tax,
        sums.rounding,
    );
    tx.execute(SQL, params).map(drop)
}

/// Adds to the sales of a product on a day. It keeps its name of the order that was placed last.
pub(crate) fn add_to_product(tx: &mut Tx<'_>, key: &ProductKey, sums: &ProductSums) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO product_performance (business_day, product_id, currency, product_name, named_at, units, sales)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (business_day, product_id, currency) DO UPDATE SET
               product_name = CASE WHEN (excluded.named_at, excluded.product_name)
                                      > (product_performance.named_at, product_performance.product_name)
                                   THEN excluded.product_name ELSE product_performance.product_name END,
               named_at = CASE WHEN excluded.named_at > product_performance.named_at
                               THEN excluded.named_at ELSE product_performance.named_at END,
               units = product_performance.units + excluded.units, sales = product_performance.sales + excluded.sales";
    let params =
        (key.business_day, key.product_id, key.currency, &sums.product_name, sums.named_at, sums.units, sums.sales);
    tx.execute(SQL, params).map(drop)
}
