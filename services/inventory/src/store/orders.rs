//! Rows of `reservations`: what is known of each order.

use contracts::{
    ids::{InventoryId, OrderId},
    inventory::Shortage,
    time::Timestamp,
};
use db::{DbResult, Row, Tx, json};
use serde::{Serialize, de::DeserializeOwned};

use crate::model::{Occupied, OrderStock};

fn order_of_row(row: &Row<'_>) -> DbResult<OrderStock> {
    Ok(OrderStock {
        order_id: row.get("order_id")?,
        order_version: row.get("order_version")?,
        is_open: row.get("is_open")?,
        is_confirmed: row.get("is_confirmed")?,
        is_paid: row.get("is_paid")?,
        items: json_opt(row, "items")?,
        occupied: Occupied { effect: row.get("effect")?, parts: row.json("parts")? },
        unsaid: json_opt(row, "unsaid")?.unwrap_or_default(),
        said_of: json_opt(row, "said_of")?.unwrap_or_default(),
        updated_at: row.get("updated_at")?,
    })
}

fn json_opt<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> DbResult<Option<T>> {
    match row.get::<Option<String>>(column)? {
        Some(_) => row.json(column).map(Some),
        None => Ok(None),
    }
}

/// What is known of an order, its row held until the transaction ends. An order that is new here gets an empty row.
pub(crate) fn lock_order(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<OrderStock> {
    // The update changes nothing: it holds the row, and makes RETURNING answer it.
    const SQL: &str = "
        INSERT INTO reservations (order_id, order_version, is_open, is_confirmed, is_paid, effect, parts,
                                  made_at, updated_at)
        VALUES ($1, 0, 0, 0, 0, 'NONE', '{}', $2, $2)
        ON CONFLICT (order_id) DO UPDATE SET order_version = reservations.order_version
        RETURNING *";
    tx.query_one(SQL, (order_id, now), order_of_row)
}

/// Keeps what is known of an order.
pub(crate) fn save_order(tx: &mut Tx<'_>, order: &OrderStock, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        UPDATE reservations
           SET order_version = $2, is_open = $3, is_confirmed = $4, is_paid = $5, effect = $6,
               items = $7, parts = $8, unsaid = $9, updated_at = $10, said_of = $11
         WHERE order_id = $1";
    let row = (
        order.order_id,
        order.order_version,
        order.is_open,
        order.is_confirmed,
        order.is_paid,
        order.occupied.effect,
        order.items.as_ref().map(json).transpose()?,
        json(&order.occupied.parts)?,
        unless_empty(&order.unsaid)?,
        now,
        unless_empty(&order.said_of)?,
    );
    tx.execute(SQL, row).map(drop)
}

/// Keeps the shortages of which staff hear once the order is confirmed.
pub(crate) fn keep_unsaid(tx: &mut Tx<'_>, order_id: OrderId, shortages: &[Shortage]) -> DbResult<()> {
    const SQL: &str = "UPDATE reservations SET unsaid = $2 WHERE order_id = $1";
    tx.execute(SQL, (order_id, unless_empty(shortages)?)).map(drop)
}

/// Keeps of which items staff heard.
pub(crate) fn keep_said(tx: &mut Tx<'_>, order_id: OrderId, said_of: &[InventoryId]) -> DbResult<()> {
    const SQL: &str = "UPDATE reservations SET said_of = $2 WHERE order_id = $1";
    tx.execute(SQL, (order_id, unless_empty(said_of)?)).map(drop)
}

fn unless_empty<T: Serialize>(list: &[T]) -> DbResult<Option<String>> {
    if list.is_empty() { Ok(None) } else { json(&list).map(Some) }
}

/// Up to `limit` orders that occupy stock, of which no event has come, and nothing else since `before`.
pub(crate) fn unconfirmed_since(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    const SQL: &str = "
        SELECT order_id FROM reservations
         WHERE is_confirmed = 0 AND effect <> 'NONE' AND updated_at < $1
         ORDER BY updated_at
         LIMIT $2";
    tx.query(SQL, (before, i64::from(limit)), |row| row.get("order_id"))
}

/// Every order: for the tests that check the books.
#[cfg(test)]
pub(crate) fn all_orders(tx: &mut Tx<'_>) -> DbResult<Vec<OrderStock>> {
    tx.query("SELECT * FROM reservations", (), order_of_row)
}

db::text_enums!(crate::model::Effect);
