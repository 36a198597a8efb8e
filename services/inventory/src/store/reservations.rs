//! Rows of `reservations`: what is known of each order.

use contracts::{
    ids::{InventoryId, OrderId},
    inventory::Shortage,
    time::Timestamp,
};
use db::{DbResult, Row, Tx, json};
use serde::Serialize;

use super::optional_json;
use crate::model::{Allocation, Reservation};

fn reservation_from_row(row: &Row<'_>) -> DbResult<Reservation> {
    Ok(Reservation {
        order_id: row.get("order_id")?,
        order_version: row.get("order_version")?,
        is_open: row.get("is_open")?,
        is_confirmed: row.get("is_confirmed")?,
        is_paid: row.get("is_paid")?,
        items: optional_json(row, "items")?,
        allocation: Allocation { effect: row.get("effect")?, quantities: row.json("quantities")? },
        pending_shortages: optional_json(row, "pending_shortages")?.unwrap_or_default(),
        notified_items: optional_json(row, "notified_items")?.unwrap_or_default(),
        updated_at: row.get("updated_at")?,
    })
}

/// An order's reservation, locked until the transaction ends. An order that is new here gets an empty row.
pub(crate) fn lock_reservation(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<Reservation> {
    // The update changes nothing: it locks the row, and lets RETURNING return it.
    const SQL: &str = "
        INSERT INTO reservations (order_id, order_version, is_open, is_confirmed, is_paid, effect, quantities,
                                  created_at, updated_at)
        VALUES ($1, 0, 0, 0, 0, 'NONE', '{}', $2, $2)
        ON CONFLICT (order_id) DO UPDATE SET order_version = reservations.order_version
        RETURNING *";
    tx.query_one(SQL, (order_id, now), reservation_from_row)
}

/// Saves a reservation that [`lock_reservation`] locked.
pub(crate) fn update_reservation(tx: &mut Tx<'_>, reservation: &Reservation, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        UPDATE reservations
           SET order_version = $2, is_open = $3, is_confirmed = $4, is_paid = $5, effect = $6, items = $7,
               quantities = $8, pending_shortages = $9, notified_items = $10, updated_at = $11
         WHERE order_id = $1";
    let row = (
        reservation.order_id,
        reservation.order_version,
        reservation.is_open,
        reservation.is_confirmed,
        reservation.is_paid,
        reservation.allocation.effect,
        reservation.items.as_ref().map(json).transpose()?,
        json(&reservation.allocation.quantities)?,
        null_if_empty(&reservation.pending_shortages)?,
        null_if_empty(&reservation.notified_items)?,
        now,
    );
    tx.execute(SQL, row).map(drop)
}

/// Keeps the shortages to publish once the order is confirmed.
pub(crate) fn set_pending_shortages(tx: &mut Tx<'_>, order_id: OrderId, shortages: &[Shortage]) -> DbResult<()> {
    const SQL: &str = "UPDATE reservations SET pending_shortages = $2 WHERE order_id = $1";
    tx.execute(SQL, (order_id, null_if_empty(shortages)?)).map(drop)
}

/// Keeps the items of which a shortage was published.
pub(crate) fn set_notified_items(tx: &mut Tx<'_>, order_id: OrderId, items: &[InventoryId]) -> DbResult<()> {
    const SQL: &str = "UPDATE reservations SET notified_items = $2 WHERE order_id = $1";
    tx.execute(SQL, (order_id, null_if_empty(items)?)).map(drop)
}

fn null_if_empty<T: Serialize>(list: &[T]) -> DbResult<Option<String>> {
    if list.is_empty() { Ok(None) } else { json(&list).map(Some) }
}

/// Up to `limit` orders that hold stock, that no event confirmed, and that were last changed before `before`.
pub(crate) fn list_unconfirmed(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    const SQL: &str = "
        SELECT order_id FROM reservations
         WHERE is_confirmed = 0 AND effect <> 'NONE' AND updated_at < $1
         ORDER BY updated_at
         LIMIT $2";
    tx.query(SQL, (before, i64::from(limit)), |row| row.get("order_id"))
}

/// Whether an unconfirmed reservation that holds stock was changed after `after`.
pub(crate) fn has_unconfirmed_after(tx: &mut Tx<'_>, after: Timestamp) -> DbResult<bool> {
    const SQL: &str = "
        SELECT order_id FROM reservations
         WHERE is_confirmed = 0 AND effect <> 'NONE' AND updated_at > $1
         LIMIT 1";
    Ok(tx.query_opt(SQL, (after,), |_| Ok(()))?.is_some())
}

/// Lets the unconfirmed reservations that were changed after `now` count from `now`. Returns how many.
pub(crate) fn restamp_unconfirmed_after(tx: &mut Tx<'_>, now: Timestamp) -> DbResult<u64> {
    const SQL: &str = "
        UPDATE reservations SET updated_at = $1
         WHERE is_confirmed = 0 AND effect <> 'NONE' AND updated_at > $1";
    tx.execute(SQL, (now,))
}

/// Every reservation: for the test that checks the books.
#[cfg(test)]
pub(crate) fn list_all(tx: &mut Tx<'_>) -> DbResult<Vec<Reservation>> {
    tx.query("SELECT * FROM reservations", (), reservation_from_row)
}

db::text_enums!(crate::model::StockEffect);
