//! Rows of `stock_moves`, which are added and never changed.

use contracts::{
    ids::{InventoryId, OrderId, StockMoveId},
    inventory::{MoveReason, StockMove},
    time::Timestamp,
};
use db::{DbResult, Tx, Value, placeholders};

/// A movement to insert.
pub(crate) struct NewMove<'a> {
    pub(crate) inventory_id: InventoryId,
    /// The version of the item after it.
    pub(crate) item_version: i64,
    pub(crate) reason: MoveReason,
    pub(crate) quantity: i64,
    pub(crate) on_hand_after: i64,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) note: Option<&'a str>,
}

/// Inserts movements, several with one statement.
pub(crate) fn insert_moves(tx: &mut Tx<'_>, moves: &[NewMove<'_>], now: Timestamp) -> DbResult<()> {
    /// How many rows one statement inserts: those of any usual order. Each count is a statement to prepare.
    const ROWS_MAX: usize = 16;
    const COLUMNS: usize = 9;
    for moves in moves.chunks(ROWS_MAX) {
        let rows: Vec<String> =
            (0..moves.len()).map(|row| format!("({})", placeholders(row * COLUMNS + 1, COLUMNS))).collect();
        let sql = format!(
            "INSERT INTO stock_moves (inventory_id, item_version, move_id, reason, quantity, on_hand_after, order_id, note,
                                      moved_at)
             VALUES {}",
            rows.join(", ")
        );
        let values: Vec<Value> = moves.iter().flat_map(|new| values_of(new, now)).collect();
        tx.execute(&sql, values)?;
    }
    Ok(())
}

fn values_of(new: &NewMove<'_>, now: Timestamp) -> [Value; 9] {
    [
        Value::of(new.inventory_id),
        Value::of(new.item_version),
        Value::of(StockMoveId::new(now)),
        Value::of(new.reason),
        Value::of(new.quantity),
        Value::of(new.on_hand_after),
        Value::of(new.order_id),
        Value::of(new.note),
        Value::of(now),
    ]
}

/// Up to `limit` movements of an item, the newest first, before the item's version `before` if it is given; each with
/// the item's version after it.
pub(crate) fn list_moves(
    tx: &mut Tx<'_>,
    inventory_id: InventoryId,
    before: Option<i64>,
    limit: u32,
) -> DbResult<Vec<(StockMove, i64)>> {
    const SQL: &str = "
        SELECT * FROM stock_moves
         WHERE inventory_id = $1 AND item_version < $2
         ORDER BY item_version DESC
         LIMIT $3";
    tx.query(SQL, (inventory_id, before.unwrap_or(i64::MAX), i64::from(limit)), |row| {
        let stock_move = StockMove {
            move_id: row.get("move_id")?,
            inventory_id: row.get("inventory_id")?,
            reason: row.get("reason")?,
            quantity: row.get("quantity")?,
            on_hand_after: row.get("on_hand_after")?,
            order_id: row.get("order_id")?,
            note: row.get("note")?,
            moved_at: row.get("moved_at")?,
        };
        Ok((stock_move, row.get("item_version")?))
    })
}
