//! Rows of `stock_moves`, which are added and never changed.

use contracts::{
    Word,
    ids::{InventoryId, MoveId, OrderId},
    inventory::{MoveReason, StockMove},
    time::Micros,
};
use db::{DbResult, Tx, Value};

use super::places;

/// A movement to be written down.
pub(crate) struct NewMove<'a> {
    pub(crate) inventory_id: InventoryId,
    pub(crate) reason: MoveReason,
    pub(crate) quantity: i64,
    pub(crate) on_hand_after: i64,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) note: Option<&'a str>,
}

/// Writes movements down, in as few statements as their parameters allow.
pub(crate) fn insert_moves(tx: &mut Tx<'_>, moves: &[NewMove<'_>], now: Micros) -> DbResult<()> {
    /// How many rows one statement adds: an order's, but for a banquet's. Each count is a statement to prepare.
    const ROWS_MAX: usize = 16;
    const COLUMNS: usize = 8;
    for moves in moves.chunks(ROWS_MAX) {
        let rows: Vec<String> =
            (0..moves.len()).map(|row| format!("({})", places(row * COLUMNS + 1, COLUMNS))).collect();
        let sql = format!(
            "INSERT INTO stock_moves (inventory_id, move_id, reason, quantity, on_hand_after, order_id, note, moved_at)
             VALUES {}",
            rows.join(", ")
        );
        let values: Vec<Value> = moves.iter().flat_map(|new| values_of(new, now)).collect();
        tx.execute(&sql, values)?;
    }
    Ok(())
}

fn values_of(new: &NewMove<'_>, now: Micros) -> [Value; 8] {
    [
        Value::of(new.inventory_id),
        Value::of(MoveId::new(now)),
        Value::of(new.reason.word()),
        Value::of(new.quantity),
        Value::of(new.on_hand_after),
        Value::of(new.order_id),
        Value::of(new.note),
        Value::of(now),
    ]
}

/// Up to `limit` movements of an item, the newest first, before `before` where it is given.
pub(crate) fn moves(
    tx: &mut Tx<'_>,
    inventory_id: InventoryId,
    before: Option<MoveId>,
    limit: u32,
) -> DbResult<Vec<StockMove>> {
    const SQL: &str = "
        SELECT * FROM stock_moves
         WHERE inventory_id = $1 AND move_id < $2
         ORDER BY move_id DESC
         LIMIT $3";
    /// Sorts after every id.
    const NEWEST: &str = "g";
    let before = before.map_or_else(|| NEWEST.to_owned(), |id| id.to_string());
    tx.query(SQL, (inventory_id, before, i64::from(limit)), |row| {
        Ok(StockMove {
            move_id: row.get("move_id")?,
            inventory_id: row.get("inventory_id")?,
            reason: row.word("reason")?,
            quantity: row.get("quantity")?,
            on_hand_after: row.get("on_hand_after")?,
            order_id: row.get("order_id")?,
            note: row.get("note")?,
            moved_at: row.get("moved_at")?,
        })
    })
}
