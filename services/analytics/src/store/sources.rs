//! The `etl_*` views of other services, read with read-only connections.

use std::collections::HashMap;

use contracts::{
    ids::{CategoryId, OrderId, ProductId},
    time::Timestamp,
};
use db::{DbResult, Row, Tx, in_list};

use crate::model::{LineFact, OrderFact};

/// A position in the list of changed orders: the change of the last order read, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// When it changed.
    pub(crate) at: Timestamp,
    /// Its id. `None`: before every order with that change.
    pub(crate) order_id: Option<OrderId>,
}

/// The next `limit` orders after `after`, in the order of their changes, without their lines and rounding.
pub(crate) fn list_changed_orders(tx: &mut Tx<'_>, after: Position, limit: u32) -> DbResult<Vec<OrderFact>> {
    const SQL: &str = "
        SELECT order_id, order_number, status, channel, business_day, total, discount, service, tax, currency,
               placed_at, paid_at, payment_method, updated_at, version
          FROM etl_orders
         WHERE (updated_at, order_id) > ($1, $2)
         ORDER BY updated_at, order_id
         LIMIT $3";
    // The empty text sorts before every id.
    let after_id = after.order_id.map(|id| id.to_string()).unwrap_or_default();
    tx.query(SQL, (after.at, after_id, limit), order_from_row)
}

fn order_from_row(row: &Row<'_>) -> DbResult<OrderFact> {
    Ok(OrderFact {
        order_id: row.get("order_id")?,
        order_number: row.get("order_number")?,
        status: row.get("status")?,
        channel: row.get("channel")?,
        business_day: row.get("business_day")?,
        total: row.get("total")?,
        discount: row.get("discount")?,
        service: row.get("service")?,
        tax: row.get("tax")?,
        rounding: 0,
        currency: row.get("currency")?,
        placed_at: row.get("placed_at")?,
        paid_at: row.get("paid_at")?,
        payment_method: row.get("payment_method")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
        lines: Vec::new(),
    })
}

/// The lines of these orders, without categories.
pub(crate) fn list_lines(tx: &mut Tx<'_>, orders: &[OrderId]) -> DbResult<Vec<LineFact>> {
    let (places, orders) = in_list(orders);
    let sql = format!(
        "SELECT order_id, line, product_id, product_name, quantity, line_total, discount, service, tax
           FROM etl_order_items WHERE order_id IN ({places}) ORDER BY order_id, line"
    );
    tx.query(&sql, orders, |row| {
        Ok(LineFact {
            order_id: row.get("order_id")?,
            line: row.get("line")?,
            product_id: row.get("product_id")?,
            product_name: row.get("product_name")?,
            category_id: None,
            category_name: None,
            quantity: row.get("quantity")?,
            line_total: row.get("line_total")?,
            discount: row.get("discount")?,
            service: row.get("service")?,
            tax: row.get("tax")?,
        })
    })
}

/// The category of each of these products, and its name. An unknown product is left out.
pub(crate) fn list_categories(
    tx: &mut Tx<'_>,
    products: &[ProductId],
) -> DbResult<HashMap<ProductId, (CategoryId, Option<String>)>> {
    let (places, products) = in_list(products);
    let sql = format!(
        "SELECT p.product_id, p.category_id, c.name AS category_name
           FROM etl_products p LEFT JOIN etl_categories c ON c.category_id = p.category_id
          WHERE p.product_id IN ({places})"
    );
    let found = tx.query(&sql, products, |row| {
        Ok((row.get("product_id")?, (row.get("category_id")?, row.get("category_name")?)))
    })?;
    Ok(found.into_iter().collect())
}

/// The cash rounding of the payment that paid each of these orders. An order without one is left out.
pub(crate) fn list_roundings(tx: &mut Tx<'_>, orders: &[OrderId]) -> DbResult<HashMap<OrderId, i64>> {
    let (places, orders) = in_list(orders);
    let sql = format!(
        "SELECT order_id, rounding FROM etl_payments
          WHERE order_id IN ({places}) AND paid_at IS NOT NULL AND status <> 'REFUND_DUE'"
    );
    let found = tx.query(&sql, orders, |row| Ok((row.get("order_id")?, row.get("rounding")?)))?;
    Ok(found.into_iter().collect())
}
