//! The SQL of orders. One statement, one function.

mod cups;
mod lists;

use std::collections::HashMap;

use contracts::{
    ids::{OrderId, PaymentId},
    money::{Currency, Money, MoneyError},
    order::{AmountDue, OrderItemView, OrderStatus, OrderView, PriceView, StockCheck},
    payment::PaymentMethod,
    qr::CodeStatus,
    time::{BusinessDay, Timestamp},
};
use db::{DbError, DbResult, Row, Tx, Value};

pub(crate) use cups::{CupChange, keep_cup};
pub(crate) use lists::{ListFilter, changed_since, list};

use crate::model::{MoneyStanding, NewOrder};

/// The next number of a letter and business day, from 1.
pub(crate) fn next_count(tx: &mut Tx<'_>, letter: &str, business_day: BusinessDay) -> DbResult<i64> {
    const SQL: &str = "
        INSERT INTO order_numbers (letter, business_day, last) VALUES ($1, $2, 1)
            ON CONFLICT (letter, business_day) DO UPDATE SET last = order_numbers.last + 1
        RETURNING last";
    tx.query_one(SQL, (letter, business_day), |row| row.get("last"))
}

/// Writes an order. `false`: its id exists already.
pub(crate) fn insert(tx: &mut Tx<'_>, order: &NewOrder) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO orders (order_id, order_number, business_day, status, channel, dining_option, customer_name,
                            table_name, currency, subtotal, discount, service, taxes, tax, total, stock,
                            placed_at, expires_at, updated_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
            ON CONFLICT (order_id) DO NOTHING";
    let view = &order.view;
    let price = MinorPrice::of(&view.price)?;
    let inserted = tx.execute(
        SQL,
        (
            view.order_id,
            &view.order_number,
            view.business_day,
            view.status,
            view.channel,
            view.dining_option,
            &view.customer_name,
            &view.table,
            view.price.currency,
            price.subtotal,
            price.discount,
            price.service,
            db::json(&view.price.taxes)?,
            price.tax,
            price.total,
            view.stock,
            view.placed_at,
            view.expires_at,
            view.updated_at,
            view.version,
        ),
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    (0..view.items.len()).try_for_each(|index| insert_item(tx, order, index))?;
    Ok(true)
}

fn insert_item(tx: &mut Tx<'_>, order: &NewOrder, index: usize) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO order_items (order_id, line, product_id, product_name, quantity, unit_price, line_total,
                                 discount, service, tax, options, note, dispense_ml)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let item = &order.view.items[index];
    let share = &order.shares[index];
    let unit_price = item.unit_price.money(order.view.price.currency).map_err(|error| uncountable(&error))?;
    tx.execute(
        SQL,
        (
            order.view.order_id,
            item.line,
            item.product_id,
            &item.product_name,
            item.quantity,
            unit_price.minor,
            share.line_total.minor,
            share.discount.minor,
            share.service.minor,
            share.tax.minor,
            db::json(&item.options)?,
            &item.note,
            order.dispense_ml[index],
        ),
    )?;
    Ok(())
}

/// The amounts of a price in minor units.
struct MinorPrice {
    subtotal: i64,
    discount: i64,
    service: i64,
    tax: i64,
    total: i64,
}

impl MinorPrice {
    fn of(price: &PriceView) -> DbResult<Self> {
        let minor = |amount: contracts::money::Amount| {
            amount.money(price.currency).map(|money| money.minor).map_err(|error| uncountable(&error))
        };
        Ok(Self {
            subtotal: minor(price.subtotal)?,
            discount: minor(price.discount)?,
            service: minor(price.service)?,
            tax: minor(price.tax)?,
            total: minor(price.total)?,
        })
    }
}

/// Rules made these amounts from the same currency, so this is a fault of ours, not of a request.
fn uncountable(error: &MoneyError) -> DbError {
    DbError::Money(error.clone())
}

/// The whole order.
pub(crate) fn find(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<OrderView>> {
    const SQL: &str = "SELECT * FROM orders WHERE order_id = $1";
    let order = tx.query_opt(SQL, (order_id,), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// What is owed for an order.
pub(crate) fn amount_due(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<AmountDue>> {
    const SQL: &str = "
        SELECT order_id, order_number, status, version, total, currency,
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
        })
    })
}

/// Moves a PENDING order (or, revived by late money, an EXPIRED one of this version) to PROCESSING. `None`: it is
/// neither, or money for it goes back.
pub(crate) fn pay(tx: &mut Tx<'_>, paid: &Paid, from: PaidFrom) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders
           SET status = 'PROCESSING', paid_at = $3, payment_id = $4, payment_method = $5, stock = COALESCE($6, stock),
               lives_since = COALESCE(CAST($8 AS BIGINT) + 1, lives_since), updated_at = $7, version = version + 1
         WHERE order_id = $1 AND status = $2 AND version = COALESCE(CAST($8 AS BIGINT), version) AND orphaned = 0
        RETURNING *";
    let (status, version, stock) = match from {
        PaidFrom::Pending => (OrderStatus::Pending, None, None),
        PaidFrom::Expired { version, stock } => (OrderStatus::Expired, Some(version), Some(stock)),
    };
    let params = (paid.order_id, status, paid.paid_at, paid.payment_id, paid.method, stock, paid.now, version);
    let order = tx.query_opt(SQL, params, order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// A payment as an order keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Paid {
    pub(crate) order_id: OrderId,
    pub(crate) payment_id: PaymentId,
    pub(crate) method: PaymentMethod,
    pub(crate) paid_at: Timestamp,
    pub(crate) now: Timestamp,
}

/// Where an order is when its money comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PaidFrom {
    /// In time.
    Pending,
    /// Late: its stock was asked for again for the version after this one.
    Expired { version: i64, stock: StockCheck },
}

/// How an order stands to money, all of one instant.
pub(crate) fn money_standing(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<MoneyStanding>> {
    const SQL: &str = "SELECT status, payment_id, orphaned FROM orders WHERE order_id = $1";
    tx.query_opt(SQL, (order_id,), |row| {
        Ok(MoneyStanding {
            status: row.get("status")?,
            paid_by: row.get("payment_id")?,
            is_orphaned: row.get("orphaned")?,
        })
    })
}

/// Marks an EXPIRED order of this version as one whose late money goes back: nothing revives it from now on, since
/// the others heard that it is paid. `false`: it is not that any more.
pub(crate) fn orphan(tx: &mut Tx<'_>, order_id: OrderId, version: i64) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE orders SET orphaned = 1
         WHERE order_id = $1 AND status = 'EXPIRED' AND version = $2 AND orphaned = 0";
    Ok(tx.execute(SQL, (order_id, version))? == 1)
}

/// Whether late money for an order goes back, so that nothing revives it.
pub(crate) fn is_orphaned(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<bool> {
    const SQL: &str = "SELECT orphaned FROM orders WHERE order_id = $1";
    Ok(tx.query_opt(SQL, (order_id,), |row| row.get("orphaned"))?.unwrap_or(false))
}

/// Moves an order that staff have made to READY. `None`: it is not PROCESSING.
pub(crate) fn make_ready(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders SET status = 'READY', updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status = 'PROCESSING'
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// Moves an order that its guest has to COMPLETED. `None`: it is not being made.
pub(crate) fn complete(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders SET status = 'COMPLETED', updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status IN ('PROCESSING', 'READY')
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// Gives a PENDING order up. `None`: it is not PENDING.
pub(crate) fn cancel(tx: &mut Tx<'_>, order_id: OrderId, reason: &str, now: Timestamp) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders SET status = 'CANCELLED', cancel_reason = $2, updated_at = $3, version = version + 1
         WHERE order_id = $1 AND status = 'PENDING'
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, reason, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// Makes an EXPIRED order of this version PENDING again. `None`: it is not that, or its late money goes back.
pub(crate) fn revive(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    version: i64,
    stock: StockCheck,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders
           SET status = 'PENDING', stock = $3, expires_at = $4, lives_since = version + 1, updated_at = $5,
               version = version + 1
         WHERE order_id = $1 AND status = 'EXPIRED' AND version = $2 AND orphaned = 0
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, version, stock, expires_at, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// At most `limit` orders whose time to be paid is over, the longest waiting first.
pub(crate) fn overdue(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    const SQL: &str = "
        SELECT order_id FROM orders WHERE status = 'PENDING' AND expires_at <= $1
         ORDER BY expires_at LIMIT $2";
    tx.query(SQL, (now, limit), |row| row.get("order_id"))
}

/// Gives up a PENDING order whose time to be paid is over. `None`: it is not that any more.
pub(crate) fn expire(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders SET status = 'EXPIRED', updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status = 'PENDING' AND expires_at <= $2
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// Changes what to call out and where to bring it. An absent one stays. `None`: no such order.
pub(crate) fn rename(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    customer_name: Option<&str>,
    table: Option<&str>,
    now: Timestamp,
) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders
           SET customer_name = NULLIF(COALESCE($2, customer_name), ''), table_name = NULLIF(COALESCE($3, table_name), ''),
               updated_at = $4, version = version + 1
         WHERE order_id = $1
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, customer_name, table, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// Marks an order whose stock fell short at `order_version`. `None`: it was marked already, lives again since with
/// other stock, or does not exist.
pub(crate) fn mark_short(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    order_version: i64,
    now: Timestamp,
) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders SET stock = 'SHORT', updated_at = $3, version = version + 1
         WHERE order_id = $1 AND lives_since <= $2 AND stock <> 'SHORT'
        RETURNING *";
    let order = tx.query_opt(SQL, (order_id, order_version, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// Grows an order's version after one of its cups changed. `None`: no such order.
pub(crate) fn touch(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Option<OrderView>> {
    const SQL: &str = "
        UPDATE orders SET updated_at = $2, version = version + 1 WHERE order_id = $1 RETURNING *";
    let order = tx.query_opt(SQL, (order_id, now), order_from_row)?;
    order.map(|order| with_items(tx, order)).transpose()
}

/// How much a machine pours of one unit of each line, in the order of the lines.
pub(crate) fn dispense_ml(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Vec<Option<u32>>> {
    const SQL: &str = "SELECT dispense_ml FROM order_items WHERE order_id = $1 ORDER BY line";
    tx.query(SQL, (order_id,), |row| row.get("dispense_ml"))
}

fn order_from_row(row: &Row<'_>) -> DbResult<OrderView> {
    let currency: Currency = row.get("currency")?;
    let amount = |column| Ok::<_, DbError>(Money::new(row.get(column)?, currency).amount());
    let status: OrderStatus = row.get("status")?;
    let expires_at: Timestamp = row.get("expires_at")?;
    Ok(OrderView {
        order_id: row.get("order_id")?,
        order_number: row.get("order_number")?,
        status,
        channel: row.get("channel")?,
        dining_option: row.get("dining_option")?,
        customer_name: row.get("customer_name")?,
        table: row.get("table_name")?,
        items: Vec::new(),
        price: PriceView {
            currency,
            subtotal: amount("subtotal")?,
            discount: amount("discount")?,
            service: amount("service")?,
            taxes: row.json("taxes")?,
            tax: amount("tax")?,
            total: amount("total")?,
        },
        stock: row.get("stock")?,
        business_day: row.get("business_day")?,
        placed_at: row.get("placed_at")?,
        expires_at: (status == OrderStatus::Pending).then_some(expires_at),
        paid_at: row.get("paid_at")?,
        payment_method: row.get("payment_method")?,
        cancel_reason: row.get("cancel_reason")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
    })
}

fn with_items(tx: &mut Tx<'_>, order: OrderView) -> DbResult<OrderView> {
    let mut orders = with_all_items(tx, vec![order])?;
    orders.pop().ok_or_else(|| DbError::Inconsistent("an order is missing from its own list".into()))
}

/// Fills in the lines of orders, and what became of their cups.
fn with_all_items(tx: &mut Tx<'_>, mut orders: Vec<OrderView>) -> DbResult<Vec<OrderView>> {
    if orders.is_empty() {
        return Ok(orders);
    }
    let places: HashMap<OrderId, usize> =
        orders.iter().enumerate().map(|(place, order)| (order.order_id, place)).collect();
    let currencies: Vec<Currency> = orders.iter().map(|order| order.price.currency).collect();
    for (order_id, item) in items_of(tx, &orders, |order_id| places.get(&order_id).map(|place| currencies[*place]))? {
        if let Some(place) = places.get(&order_id) {
            orders[*place].items.push(item);
        }
    }
    let poured_by_machines = |order: &OrderView| order.items.iter().any(|item| item.is_dispensable);
    if orders.iter().any(poured_by_machines) {
        for (order_id, line, status) in cups::cups_of(tx, &orders)? {
            let order = places.get(&order_id).map(|place| &mut orders[*place]);
            if let Some(item) = order.and_then(|order| order.items.iter_mut().find(|item| item.line == line)) {
                item.poured += u32::from(status == CodeStatus::Used);
                item.in_review += u32::from(status == CodeStatus::Review);
            }
        }
    }
    Ok(orders)
}

fn items_of(
    tx: &mut Tx<'_>,
    orders: &[OrderView],
    currency_of: impl Fn(OrderId) -> Option<Currency>,
) -> DbResult<Vec<(OrderId, OrderItemView)>> {
    let (places, order_ids) = listed_ids(orders);
    let sql = format!("SELECT * FROM order_items WHERE order_id IN ({places}) ORDER BY order_id, line");
    tx.query(&sql, order_ids, |row| {
        let order_id: OrderId = row.get("order_id")?;
        let currency = currency_of(order_id).unwrap_or(Currency::IDR);
        let dispense_ml: Option<u32> = row.get("dispense_ml")?;
        let item = OrderItemView {
            line: row.get("line")?,
            product_id: row.get("product_id")?,
            product_name: row.get("product_name")?,
            quantity: row.get("quantity")?,
            unit_price: Money::new(row.get("unit_price")?, currency).amount(),
            line_total: Money::new(row.get("line_total")?, currency).amount(),
            options: row.json("options")?,
            note: row.get("note")?,
            is_dispensable: dispense_ml.is_some(),
            poured: 0,
            in_review: 0,
        };
        Ok((order_id, item))
    })
}

fn listed_ids(orders: &[OrderView]) -> (String, Vec<Value>) {
    db::in_list(&orders.iter().map(|order| order.order_id).collect::<Vec<_>>())
}
