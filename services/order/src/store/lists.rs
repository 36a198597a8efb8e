//! Lists of orders: for people, for streams that resume, and for expiry.

use contracts::{
    ids::{DeviceId, OrderId},
    order::{Channel, OrderStatus, StockCheck},
    time::{BusinessDay, Timestamp},
};
use db::{DbResult, Tx, Value};

use super::rows::{order_from_row, with_all_lines};
use crate::model::Order;

/// Which orders a list shows, newest first. `None`: any.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListFilter {
    pub(crate) status: Option<OrderStatus>,
    pub(crate) channel: Option<Channel>,
    pub(crate) stock: Option<StockCheck>,
    pub(crate) business_day: Option<BusinessDay>,
    /// A part of the number or of the customer's name, in any case.
    pub(crate) text: Option<String>,
    /// Only orders that were placed at this time or later.
    pub(crate) placed_from: Option<Timestamp>,
    /// The last order of the page before.
    pub(crate) after: Option<(Timestamp, OrderId)>,
}

/// At most `limit` orders, newest first.
pub(crate) fn list_orders(tx: &mut Tx<'_>, filter: &ListFilter, limit: u32) -> DbResult<Vec<Order>> {
    let mut sql = String::from("SELECT * FROM orders WHERE 1 = 1");
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, new: Vec<Value>| {
        let mut condition = condition.to_owned();
        for value in new {
            values.push(value);
            condition = condition.replacen('?', &format!("${}", values.len()), 1);
        }
        sql.push_str(" AND ");
        sql.push_str(&condition);
    };
    if let Some(status) = filter.status {
        and("status = ?", vec![Value::of(status)]);
    }
    if let Some(channel) = filter.channel {
        and("channel = ?", vec![Value::of(channel)]);
    }
    if let Some(stock) = filter.stock {
        // Not a parameter: a partial index is used only if the statement itself repeats its condition.
        and(&format!("stock = '{stock}'"), Vec::new());
    }
    if let Some(business_day) = filter.business_day {
        and("business_day = ?", vec![Value::of(business_day)]);
    }
    if let Some(placed_from) = filter.placed_from {
        and("placed_at >= ?", vec![Value::of(placed_from)]);
    }
    if let Some(text) = &filter.text {
        // Order numbers are ASCII, which LOWER folds on both databases.
        let pattern = db::like_contains(&text.to_lowercase());
        and(
            "(LOWER(order_number) LIKE ? ESCAPE '!' OR customer_name_lower LIKE ? ESCAPE '!')",
            vec![pattern.clone().into(), pattern.into()],
        );
    }
    if let Some((placed_at, order_id)) = filter.after {
        and("(placed_at, order_id) < (?, ?)", vec![Value::of(placed_at), Value::of(order_id)]);
    }
    values.push(i64::from(limit).into());
    sql.push_str(&format!(" ORDER BY placed_at DESC, order_id DESC LIMIT ${}", values.len()));
    let headers = tx.query(&sql, values, order_from_row)?;
    with_all_lines(tx, headers)
}

/// At most `limit` orders that changed at `since` or later, in the order of their changes.
pub(crate) fn list_changed_since(tx: &mut Tx<'_>, since: Timestamp, limit: u32) -> DbResult<Vec<Order>> {
    const SQL: &str = "SELECT * FROM orders WHERE updated_at >= $1 ORDER BY updated_at, order_id LIMIT $2";
    let headers = tx.query(SQL, (since, limit), order_from_row)?;
    with_all_lines(tx, headers)
}

/// A position in the list of overdue orders: a deadline and the order that has it.
pub(crate) type OverdueCursor = (Timestamp, OrderId);

/// At most `limit` PENDING orders whose deadline has passed, the longest overdue first; only those after `after`.
pub(crate) fn list_overdue(
    tx: &mut Tx<'_>,
    after: Option<OverdueCursor>,
    now: Timestamp,
    limit: u32,
) -> DbResult<Vec<OverdueCursor>> {
    const SQL: &str = "
        SELECT expires_at, order_id FROM orders
         WHERE status = 'PENDING' AND expires_at <= $1 AND (expires_at, order_id) > ($2, $3)
         ORDER BY expires_at, order_id LIMIT $4";
    // The empty text is before every id.
    let (expires_at, order_id) = after.map_or((Timestamp(i64::MIN), String::new()), |(at, id)| (at, id.to_string()));
    tx.query(SQL, (now, expires_at, order_id, limit), |row| Ok((row.get("expires_at")?, row.get("order_id")?)))
}

/// How many PENDING orders were placed on a device; `limit` means that many or more.
pub(crate) fn count_unpaid(tx: &mut Tx<'_>, device_id: DeviceId, limit: u32) -> DbResult<u32> {
    const SQL: &str = "
        SELECT COUNT(*) AS unpaid
          FROM (SELECT 1 AS one FROM orders WHERE status = 'PENDING' AND device_id = $1 LIMIT $2) AS found";
    tx.query_one(SQL, (device_id, limit), |row| row.get("unpaid"))
}

/// At most `limit` PENDING orders whose deadline is after `latest`.
pub(crate) fn list_far_deadlines(tx: &mut Tx<'_>, latest: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    const SQL: &str = "
        SELECT order_id FROM orders WHERE status = 'PENDING' AND expires_at > $1
         ORDER BY expires_at LIMIT $2";
    tx.query(SQL, (latest, limit), |row| row.get("order_id"))
}
