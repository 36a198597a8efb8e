//! Lists of orders: what a person looks for, and what a screen missed.

use contracts::{
    ids::OrderId,
    order::{OrderStatus, OrderView},
    time::{BusinessDay, Timestamp},
};
use db::{DbResult, Tx, Value};

use super::{order_from_row, with_all_items};

/// Which orders a list shows, newest first. `None`: any.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListFilter {
    pub(crate) status: Option<OrderStatus>,
    pub(crate) channel: Option<contracts::order::Channel>,
    pub(crate) business_day: Option<BusinessDay>,
    /// A part of the number or of the customer's name.
    pub(crate) text: Option<String>,
    /// Only what was placed at this time or later.
    pub(crate) placed_from: Option<Timestamp>,
    /// The last order of the page before.
    pub(crate) after: Option<(Timestamp, OrderId)>,
}

/// At most `limit` orders, newest first.
pub(crate) fn list(tx: &mut Tx<'_>, filter: &ListFilter, limit: u32) -> DbResult<Vec<OrderView>> {
    let mut sql = String::from("SELECT * FROM orders WHERE 1 = 1");
    let mut values: Vec<Value> = Vec::new();
    let mut also = |condition: &str, new: Vec<Value>| {
        let mut condition = condition.to_owned();
        for value in new {
            values.push(value);
            condition = condition.replacen('?', &format!("${}", values.len()), 1);
        }
        sql.push_str(" AND ");
        sql.push_str(&condition);
    };
    if let Some(status) = filter.status {
        also("status = ?", vec![Value::of(status)]);
    }
    if let Some(channel) = filter.channel {
        also("channel = ?", vec![Value::of(channel)]);
    }
    if let Some(business_day) = filter.business_day {
        also("business_day = ?", vec![business_day.to_string().into()]);
    }
    if let Some(placed_from) = filter.placed_from {
        also("placed_at >= ?", vec![placed_from.0.into()]);
    }
    if let Some(text) = &filter.text {
        let pattern = db::like_contains(text);
        also(
            "(LOWER(order_number) LIKE LOWER(?) ESCAPE '!' OR LOWER(customer_name) LIKE LOWER(?) ESCAPE '!')",
            vec![pattern.clone().into(), pattern.into()],
        );
    }
    if let Some((placed_at, order_id)) = filter.after {
        also("(placed_at, order_id) < (?, ?)", vec![placed_at.0.into(), order_id.to_string().into()]);
    }
    values.push(i64::from(limit).into());
    sql.push_str(&format!(" ORDER BY placed_at DESC, order_id DESC LIMIT ${}", values.len()));
    let orders = tx.query(&sql, values, order_from_row)?;
    with_all_items(tx, orders)
}

/// At most `limit` orders that changed at `since` or later, in the order of their changes.
pub(crate) fn changed_since(tx: &mut Tx<'_>, since: Timestamp, limit: u32) -> DbResult<Vec<OrderView>> {
    const SQL: &str = "SELECT * FROM orders WHERE updated_at >= $1 ORDER BY updated_at, order_id LIMIT $2";
    let orders = tx.query(SQL, (since, limit), order_from_row)?;
    with_all_items(tx, orders)
}
