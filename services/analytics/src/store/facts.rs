//! Rows of `orders_fact` and `sales_fact`.

use std::collections::HashMap;

use contracts::ids::OrderId;
use db::{DbResult, Tx, in_list};

use crate::model::{LineFact, OrderFact};

/// The extracted version of each of these orders. An order that is not extracted is left out.
pub(crate) fn list_versions(tx: &mut Tx<'_>, orders: &[OrderId]) -> DbResult<HashMap<OrderId, i64>> {
    let (places, orders) = in_list(orders);
    let sql = format!("SELECT order_id, version FROM orders_fact WHERE order_id IN ({places})");
    let found = tx.query(&sql, orders, |row| Ok((row.get("order_id")?, row.get("version")?)))?;
    Ok(found.into_iter().collect())
}

/// These orders with their lines, as extracted. An order that is not extracted is left out.
pub(crate) fn list_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> DbResult<Vec<OrderFact>> {
    let mut lines = list_lines(tx, orders)?;
    let (places, orders) = in_list(orders);
    let sql = format!("SELECT * FROM orders_fact WHERE order_id IN ({places})");
    tx.query(&sql, orders, |row| {
        let order_id: OrderId = row.get("order_id")?;
        Ok(OrderFact {
            order_id,
            order_number: row.get("order_number")?,
            status: row.get("status")?,
            channel: row.get("channel")?,
            business_day: row.get("business_day")?,
            total: row.get("total")?,
            discount: row.get("discount")?,
            service: row.get("service")?,
            tax: row.get("tax")?,
            rounding: row.get("rounding")?,
            currency: row.get("currency")?,
            payment_method: row.get("payment_method")?,
            placed_at: row.get("placed_at")?,
            paid_at: row.get("paid_at")?,
            updated_at: row.get("updated_at")?,
            version: row.get("version")?,
            lines: lines.remove(&order_id).unwrap_or_default(),
        })
    })
}

fn list_lines(tx: &mut Tx<'_>, orders: &[OrderId]) -> DbResult<HashMap<OrderId, Vec<LineFact>>> {
    let (places, orders) = in_list(orders);
    let sql = format!(
        "SELECT order_id, line, product_id, product_name, category_id, category_name,
                quantity, line_total, discount, service, tax
           FROM sales_fact WHERE order_id IN ({places}) ORDER BY order_id, line"
    );
    let found = tx.query(&sql, orders, |row| {
        Ok(LineFact {
            order_id: row.get("order_id")?,
            line: row.get("line")?,
            product_id: row.get("product_id")?,
            product_name: row.get("product_name")?,
            category_id: row.get("category_id")?,
            category_name: row.get("category_name")?,
            quantity: row.get("quantity")?,
            line_total: row.get("line_total")?,
            discount: row.get("discount")?,
            service: row.get("service")?,
            tax: row.get("tax")?,
        })
    })?;
    let mut lines: HashMap<OrderId, Vec<LineFact>> = HashMap::new();
    for line in found {
        lines.entry(line.order_id).or_default().push(line);
    }
    Ok(lines)
}

/// Inserts or replaces an order, without its lines.
pub(crate) fn upsert_order(tx: &mut Tx<'_>, order: &OrderFact) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO orders_fact (order_id, order_number, status, channel, business_day, total, discount, service, tax,
                                 rounding, units, currency, payment_method, is_paid, placed_at, paid_at, updated_at,
                                 version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
            ON CONFLICT (order_id) DO UPDATE SET
               order_number = excluded.order_number, status = excluded.status, channel = excluded.channel,
               business_day = excluded.business_day, total = excluded.total, discount = excluded.discount,
               service = excluded.service, tax = excluded.tax, rounding = excluded.rounding, units = excluded.units, currency = excluded.currency,
               payment_method = excluded.payment_method, is_paid = excluded.is_paid, placed_at = excluded.placed_at,
               paid_at = excluded.paid_at, updated_at = excluded.updated_at, version = excluded.version";
    let params = (
        order.order_id,
        &order.order_number,
        order.status,
        order.channel,
        order.business_day,
        order.total,
        order.discount,
        order.service,
        order.tax,
        order.rounding,
        order.units(),
        order.currency,
        order.payment_method,
        order.paid_at.is_some(),
        order.placed_at,
        order.paid_at,
        order.updated_at,
        order.version,
    );
    tx.execute(SQL, params).map(drop)
}

/// Inserts a line of an order.
pub(crate) fn insert_line(tx: &mut Tx<'_>, order: &OrderFact, line: &LineFact) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO sales_fact (order_id, line, business_day, product_id, product_name, category_id, category_name,
                                quantity, line_total, discount, service, tax, currency, channel, payment_method,
                                placed_at, paid_at, order_updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    let params = (
        order.order_id,
        line.line,
        order.business_day,
        line.product_id,
        &line.product_name,
        line.category_id,
        line.category_name.as_deref(),
        line.quantity,
        line.line_total,
        line.discount,
        line.service,
        line.tax,
        order.currency,
        order.channel,
        order.payment_method,
        order.placed_at,
        order.paid_at,
        order.updated_at,
    );
    tx.execute(SQL, params).map(drop)
}

/// Deletes the lines of an order.
pub(crate) fn delete_lines(tx: &mut Tx<'_>, order: OrderId) -> DbResult<()> {
    const SQL: &str = "DELETE FROM sales_fact WHERE order_id = $1";
    tx.execute(SQL, (order,)).map(drop)
}
