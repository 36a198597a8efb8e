//! Rows of `inventories`.

use contracts::{
    ids::{InventoryId, ProductId},
    inventory::{InventoryView, STOCK_QUANTITY_MAX, StockoutPolicy, WriteInventory},
    time::Timestamp,
};
use db::{DbResult, Row, Tx, like_contains, in_list};

use crate::model::StockChange;

/// Which items a list shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemFilter {
    /// Part of a name.
    pub(crate) text: Option<String>,
    /// Only those at their low level or below.
    pub(crate) low: bool,
    /// After this item.
    pub(crate) after: Option<InventoryId>,
}

/// An item's numbers after a change.
pub(crate) struct ItemLevel {
    /// The item's version.
    pub(crate) version: i64,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) low_level: Option<i64>,
    pub(crate) policy: StockoutPolicy,
}

fn item_of_row(row: &Row<'_>) -> DbResult<InventoryView> {
    let on_hand: i64 = row.get("on_hand")?;
    let reserved: i64 = row.get("reserved")?;
    let low_level: Option<i64> = row.get("low_level")?;
    Ok(InventoryView {
        inventory_id: row.get("inventory_id")?,
        name: row.get("name")?,
        unit: row.get("unit")?,
        product_id: row.get("product_id")?,
        policy: row.get("policy")?,
        low_level,
        on_hand,
        reserved,
        available: on_hand - reserved,
        is_low: low_level.is_some_and(|level| on_hand <= level),
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
        settings_version: row.get("settings_version")?,
    })
}

fn level_of_row(row: &Row<'_>) -> DbResult<ItemLevel> {
    Ok(ItemLevel {
        version: row.get("version")?,
        on_hand: row.get("on_hand")?,
        reserved: row.get("reserved")?,
        low_level: row.get("low_level")?,
        policy: row.get("policy")?,
    })
}

/// One item.
pub(crate) fn item(tx: &mut Tx<'_>, id: InventoryId) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "SELECT * FROM inventories WHERE inventory_id = $1";
    tx.query_opt(SQL, (id,), item_of_row)
}

/// The item that a product is.
pub(crate) fn item_of_product(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "SELECT * FROM inventories WHERE product_id = $1";
    tx.query_opt(SQL, (product_id,), item_of_row)
}

/// Up to `limit` items by name.
pub(crate) fn items(tx: &mut Tx<'_>, filter: &ItemFilter, limit: u32) -> DbResult<Vec<InventoryView>> {
    // The cursor is an item: its name is looked up, so that a cursor carries no text.
    const SQL: &str = "
        SELECT * FROM inventories
         WHERE ($1 = '' OR LOWER(name) LIKE LOWER($1) ESCAPE '!')
           AND (CAST($2 AS BIGINT) = 0 OR on_hand <= low_level)
           AND ($3 = '' OR (LOWER(name), inventory_id) >
                           (SELECT LOWER(name), inventory_id FROM inventories WHERE inventory_id = $3))
         ORDER BY LOWER(name), inventory_id
         LIMIT $4";
    let text = filter.text.as_deref().map(like_contains).unwrap_or_default();
    let after = filter.after.map(|id| id.to_string()).unwrap_or_default();
    tx.query(SQL, (text, filter.low, after, i64::from(limit)), item_of_row)
}

/// Makes an item of which nothing is there. `None`: its id, or its product, is taken.
pub(crate) fn insert_item(
    tx: &mut Tx<'_>,
    id: InventoryId,
    item: &WriteInventory,
    now: Timestamp,
) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "
        INSERT INTO inventories (inventory_id, name, unit, product_id, policy, low_level,
                                 on_hand, reserved, version, settings_version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 1, 1, $7)
        ON CONFLICT DO NOTHING
        RETURNING *";
    let row = (id, &item.name, &item.unit, item.product_id, item.policy, item.low_level, now);
    tx.query_opt(SQL, row, item_of_row)
}

/// Writes an item anew, if its settings still have the version `expected`, or whatever theirs is. `None`: they do not,
/// or it does not exist.
///
/// # Errors
/// Unique, where its product is another item's.
pub(crate) fn update_item(
    tx: &mut Tx<'_>,
    id: InventoryId,
    item: &WriteInventory,
    expected: Option<i64>,
    now: Timestamp,
) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "
        UPDATE inventories
           SET name = $2, unit = $3, product_id = $4, policy = $5, low_level = $6,
               version = version + 1, settings_version = settings_version + 1, updated_at = $7
         WHERE inventory_id = $1
           AND (CAST($8 AS BIGINT) IS NULL OR settings_version = CAST($8 AS BIGINT))
        RETURNING *";
    let row = (id, &item.name, &item.unit, item.product_id, item.policy, item.low_level, now, expected);
    tx.query_opt(SQL, row, item_of_row)
}

/// Sets a low level that is reached at once, and was not before. `false`: it is not such a one.
pub(crate) fn raise_low_level(tx: &mut Tx<'_>, id: InventoryId, low_level: i64) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE inventories SET low_level = $2
         WHERE inventory_id = $1 AND on_hand <= $2 AND (low_level IS NULL OR on_hand > low_level)";
    Ok(tx.execute(SQL, (id, low_level))? > 0)
}

/// Holds an item's row until the transaction ends and answers what is there: nobody sells of it meanwhile.
pub(crate) fn lock_item(tx: &mut Tx<'_>, id: InventoryId) -> DbResult<Option<i64>> {
    const SQL: &str = "UPDATE inventories SET version = version + 1 WHERE inventory_id = $1 RETURNING on_hand";
    tx.query_opt(SQL, (id,), |row| row.get("on_hand"))
}

/// Adds `quantity` to what is there, or takes it where it is negative. `None`: there is no such item, fewer are
/// there, or more would be there than can be.
pub(crate) fn add_on_hand(
    tx: &mut Tx<'_>,
    id: InventoryId,
    quantity: i64,
    now: Timestamp,
) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "
        UPDATE inventories SET on_hand = on_hand + $2, version = version + 1, updated_at = $3
         WHERE inventory_id = $1 AND on_hand + $2 <= $4 AND (on_hand + $2 >= 0 OR on_hand + $2 >= on_hand)
        RETURNING *";
    tx.query_opt(SQL, (id, quantity, now, STOCK_QUANTITY_MAX), item_of_row)
}

/// Changes an item's numbers, whatever is there.
pub(crate) fn change(tx: &mut Tx<'_>, change: &StockChange, now: Timestamp) -> DbResult<ItemLevel> {
    const SQL: &str = "
        UPDATE inventories
           SET on_hand = on_hand + $2, reserved = reserved + $3, version = version + 1, updated_at = $4
         WHERE inventory_id = $1
        RETURNING version, on_hand, reserved, low_level, policy";
    tx.query_one(SQL, (change.inventory_id, change.on_hand, change.reserved, now), level_of_row)
}

/// Changes an item's numbers. `None`: it is a BLOCK item, and there is too little of it.
pub(crate) fn change_if_enough(tx: &mut Tx<'_>, change: &StockChange, now: Timestamp) -> DbResult<Option<ItemLevel>> {
    const SQL: &str = "
        UPDATE inventories
           SET on_hand = on_hand + $2, reserved = reserved + $3, version = version + 1, updated_at = $4
         WHERE inventory_id = $1 AND (on_hand - reserved >= $5 OR policy <> 'BLOCK')
        RETURNING version, on_hand, reserved, low_level, policy";
    let row = (change.inventory_id, change.on_hand, change.reserved, now, -change.available());
    tx.query_opt(SQL, row, level_of_row)
}

/// Which of `ids` exist.
pub(crate) fn known_items(tx: &mut Tx<'_>, ids: &[InventoryId]) -> DbResult<Vec<InventoryId>> {
    let (places, ids) = in_list(ids);
    let sql = format!("SELECT inventory_id FROM inventories WHERE inventory_id IN ({places})");
    tx.query(&sql, ids, |row| row.get("inventory_id"))
}
