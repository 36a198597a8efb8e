//! The SQL of orders. One statement, one function.

mod cups;
mod lists;
mod rows;
mod transitions;

use contracts::{
    ids::OrderId,
    money::{Currency, Money},
    order::AmountDue,
    time::{BusinessDay, Timestamp},
};
use db::{DbResult, Tx};

pub(crate) use cups::{CupChange, upsert_cup};
pub(crate) use lists::{
    ListFilter, OverdueCursor, count_unpaid, list_changed_since, list_far_deadlines, list_orders, list_overdue,
};
pub(crate) use transitions::{cancel_order, expire_order, pay_order, pay_order_late, revive_order, transition_order};

use crate::model::{Order, OrderLine, PaymentState};
use rows::{TaxRow, order_from_row, with_lines};

/// The next number of a letter and business day, from 1.
pub(crate) fn next_count(tx: &mut Tx<'_>, letter: &str, business_day: BusinessDay) -> DbResult<i64> {
    const SQL: &str = "
        INSERT INTO order_numbers (letter, business_day, last) VALUES ($1, $2, 1)
            ON CONFLICT (letter, business_day) DO UPDATE SET last = order_numbers.last + 1
        RETURNING last";
    tx.query_one(SQL, (letter, business_day), |row| row.get("last"))
}

/// Writes a new order with its lines. `false`: its id exists already.
pub(crate) fn insert_order(tx: &mut Tx<'_>, order: &Order) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO orders (order_id, order_number, business_day, status, channel, dining_option, customer_name,
                            customer_name_lower, table_name, currency, subtotal, discount, service, taxes, tax, total,
                            stock, placed_at, expires_at, updated_at, version, placed_by, device_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                $23)
            ON CONFLICT (order_id) DO NOTHING";
    let header = &order.header;
    let price = &header.price;
    let taxes: Vec<TaxRow<'_>> = price.taxes.iter().map(TaxRow::from).collect();
    let params = (
        header.order_id,
        &header.order_number,
        header.business_day,
        header.status,
        header.channel,
        header.dining_option,
        &header.customer_name,
        header.customer_name.as_deref().map(str::to_lowercase),
        &header.table,
        price.total.currency,
        price.subtotal.minor,
        price.discount.minor,
        price.service.minor,
        db::json(&taxes)?,
        price.tax.minor,
        price.total.minor,
        header.stock,
        header.placed_at,
        header.expires_at,
        header.updated_at,
        header.version,
        db::json(&header.placed_by)?,
        header.device_id(),
    );
    if tx.execute(SQL, params)? == 0 {
        return Ok(false);
    }
    order.lines.iter().try_for_each(|line| insert_line(tx, header.order_id, line))?;
    Ok(true)
}

fn insert_line(tx: &mut Tx<'_>, order_id: OrderId, OrderLine { priced: line, .. }: &OrderLine) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO order_items (order_id, line, product_id, product_name, quantity, unit_price, line_total,
                                 discount, service, tax, options, note, dispense_ml)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let params = (
        order_id,
        line.line,
        line.product_id,
        &line.product_name,
        line.quantity,
        line.unit_price.minor,
        line.share.line_total.minor,
        line.share.discount.minor,
        line.share.service.minor,
        line.share.tax.minor,
        db::json(&line.options)?,
        &line.note,
        line.dispense_ml,
    );
    tx.execute(SQL, params).map(drop)
}

/// The whole order.
pub(crate) fn find_order(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<Order>> {
    const SQL: &str = "SELECT * FROM orders WHERE order_id = $1";
    let header = tx.query_opt(SQL, (order_id,), order_from_row)?;
    header.map(|header| with_lines(tx, header)).transpose()
}

/// What is owed for an order.
pub(crate) fn find_amount_due(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<AmountDue>> {
    const SQL: &str = "
        SELECT order_id, order_number, status, version, total, currency, device_id,
               (SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM order_items
                 WHERE order_id = $1 AND dispense_ml IS NOT NULL) AS cups
          FROM orders WHERE order_id = $1";
    tx.query_opt(SQL, (order_id,), |row| {
        let currency: Currency = row.get("currency")?;
        Ok(AmountDue {
            order_id: row.get("order_id")?,
            order_number: row.get("order_number")?,
            status: row.get("status")?,
            version: row.get("version")?,
            total: Money::new(row.get("total")?, currency).amount(),
            currency,
            cups: row.get("cups")?,
            device_id: row.get("device_id")?,
        })
    })
}

/// What decides on a payment of the order, read at one instant.
pub(crate) fn find_payment_state(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<PaymentState>> {
    const SQL: &str = "SELECT status, payment_id, late_payment_refused FROM orders WHERE order_id = $1";
    tx.query_opt(SQL, (order_id,), |row| {
        Ok(PaymentState {
            status: row.get("status")?,
            paid_by: row.get("payment_id")?,
            late_payment_refused: row.get("late_payment_refused")?,
        })
    })
}

/// Marks an EXPIRED order of this version as one whose late payment is refunded: nothing revives it from now on.
/// `false`: it is not EXPIRED, is of another version, or is marked already.
pub(crate) fn refuse_late_payment(tx: &mut Tx<'_>, order_id: OrderId, version: i64) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE orders SET late_payment_refused = 1
         WHERE order_id = $1 AND status = 'EXPIRED' AND version = $2 AND late_payment_refused = 0";
    Ok(tx.execute(SQL, (order_id, version))? == 1)
}

/// Changes the name to call out and the table. `None` stays as it is; an empty text removes it. `None` as the answer:
/// no such order.
pub(crate) fn rename_order(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    customer_name: Option<&str>,
    table: Option<&str>,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders
           SET customer_name = NULLIF(COALESCE($2, customer_name), ''),
               customer_name_lower = NULLIF(COALESCE($3, customer_name_lower), ''),
               table_name = NULLIF(COALESCE($4, table_name), ''), updated_at = $5, version = version + 1
         WHERE order_id = $1
        RETURNING *";
    let params = (order_id, customer_name, customer_name.map(str::to_lowercase), table, now);
    let header = tx.query_opt(SQL, params, order_from_row)?;
    header.map(|header| with_lines(tx, header)).transpose()
}

/// Marks an order whose stock fell short at `order_version`. `None`: it is marked already, was revived since with other
/// stock, or does not exist.
pub(crate) fn mark_stock_short(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    order_version: i64,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders SET stock = 'SHORT', updated_at = $3, version = version + 1
         WHERE order_id = $1 AND reserved_at_version <= $2 AND stock <> 'SHORT'
        RETURNING *";
    let header = tx.query_opt(SQL, (order_id, order_version, now), order_from_row)?;
    header.map(|header| with_lines(tx, header)).transpose()
}

/// Sets the deadline of a PENDING order that has a later one. `None`: it is not PENDING, or its deadline is not later.
pub(crate) fn shorten_deadline(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders SET expires_at = $2, updated_at = $3, version = version + 1
         WHERE order_id = $1 AND status = 'PENDING' AND expires_at > $2
        RETURNING *";
    let header = tx.query_opt(SQL, (order_id, expires_at, now), order_from_row)?;
    header.map(|header| with_lines(tx, header)).transpose()
}

/// Raises an order's version after one of its cups changed. `None`: no such order.
pub(crate) fn bump_version(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders SET updated_at = $2, version = version + 1 WHERE order_id = $1 RETURNING *";
    let header = tx.query_opt(SQL, (order_id, now), order_from_row)?;
    header.map(|header| with_lines(tx, header)).transpose()
}
