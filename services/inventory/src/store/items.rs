//! Rows of `inventories`.

use std::collections::BTreeMap;

use contracts::{
    ids::{InventoryId, ProductId},
    inventory::{InventoryView, STOCK_QUANTITY_MAX, StockoutPolicy, WriteInventory},
    time::Timestamp,
};
use db::{DbResult, Row, Tx, in_list, like_contains};

use crate::model::StockChange;

/// Which items a list shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemFilter {
    /// Part of a name, in any case.
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

fn item_from_row(row: &Row<'_>) -> DbResult<InventoryView> {
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

fn level_from_row(row: &Row<'_>) -> DbResult<ItemLevel> {
    Ok(ItemLevel {
        version: row.get("version")?,
        on_hand: row.get("on_hand")?,
        reserved: row.get("reserved")?,
        low_level: row.get("low_level")?,
        policy: row.get("policy")?,
    })
}

/// One item.
pub(crate) fn find_item(tx: &mut Tx<'_>, id: InventoryId) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "SELECT * FROM inventories WHERE inventory_id = $1";
    tx.query_opt(SQL, (id,), item_from_row)
}

/// The item that a product is counted as.
pub(crate) fn find_item_of_product(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "SELECT * FROM inventories WHERE product_id = $1";
    tx.query_opt(SQL, (product_id,), item_from_row)
}

/// Up to `limit` items by name.
pub(crate) fn list_items(tx: &mut Tx<'_>, filter: &ItemFilter, limit: u32) -> DbResult<Vec<InventoryView>> {
    // The cursor is an item: its name is looked up, so that a cursor carries no text.
    const SQL: &str = "
        SELECT * FROM inventories
         WHERE ($1 = '' OR search_name LIKE $1 ESCAPE '!')
           AND (CAST($2 AS BIGINT) = 0 OR on_hand <= low_level)
           AND ($3 = '' OR (search_name, inventory_id) >
                           (SELECT search_name, inventory_id FROM inventories WHERE inventory_id = $3))
         ORDER BY search_name, inventory_id
         LIMIT $4";
    let text = filter.text.as_deref().map(|text| like_contains(&search_name(text))).unwrap_or_default();
    let after = filter.after.map(|id| id.to_string()).unwrap_or_default();
    tx.query(SQL, (text, filter.low, after, i64::from(limit)), item_from_row)
}

/// A name as it is searched: Rust folds every alphabet, SQLite only A to Z.
fn search_name(name: &str) -> String {
    name.to_lowercase()
}

/// Inserts an item with nothing on hand. `None`: its id, or its product, is taken.
pub(crate) fn insert_item(
    tx: &mut Tx<'_>,
    id: InventoryId,
    item: &WriteInventory,
    now: Timestamp,
) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "
        INSERT INTO inventories (inventory_id, name, search_name, unit, product_id, policy, low_level,
                                 on_hand, reserved, version, settings_version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 1, 1, $8)
        ON CONFLICT DO NOTHING
        RETURNING *";
    let search_name = search_name(&item.name);
    let row = (id, &item.name, search_name, &item.unit, item.product_id, item.policy, item.low_level, now);
    tx.query_opt(SQL, row, item_from_row)
}

/// Replaces an item's settings, if their version is `expected` or `expected` is absent. `None`: it is not, or the item
/// does not exist.
///
/// # Errors
/// `Unique` if its product is counted as another item.
pub(crate) fn update_item(
    tx: &mut Tx<'_>,
    id: InventoryId,
    item: &WriteInventory,
    expected: Option<i64>,
    now: Timestamp,
) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "
        UPDATE inventories
           SET name = $2, search_name = $3, unit = $4, product_id = $5, policy = $6, low_level = $7,
               version = version + 1, settings_version = settings_version + 1, updated_at = $8
         WHERE inventory_id = $1
           AND (CAST($9 AS BIGINT) IS NULL OR settings_version = CAST($9 AS BIGINT))
        RETURNING *";
    let search_name = search_name(&item.name);
    let row = (id, &item.name, search_name, &item.unit, item.product_id, item.policy, item.low_level, now, expected);
    tx.query_opt(SQL, row, item_from_row)
}

/// Sets a low level that makes the item low at once. `false`: it would not, or the item was low before.
pub(crate) fn raise_low_level(tx: &mut Tx<'_>, id: InventoryId, low_level: i64) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE inventories SET low_level = $2
         WHERE inventory_id = $1 AND on_hand <= $2 AND (low_level IS NULL OR on_hand > low_level)";
    Ok(tx.execute(SQL, (id, low_level))? > 0)
}

/// Locks an item's row until the transaction ends, so that nothing of it is sold meanwhile. Returns what is on hand.
pub(crate) fn lock_item(tx: &mut Tx<'_>, id: InventoryId) -> DbResult<Option<i64>> {
    const SQL: &str = "UPDATE inventories SET version = version + 1 WHERE inventory_id = $1 RETURNING on_hand";
    tx.query_opt(SQL, (id,), |row| row.get("on_hand"))
}

/// Locks an item's row until the transaction ends, so that what is read of it is what the change replaces.
pub(crate) fn lock_whole_item(tx: &mut Tx<'_>, id: InventoryId) -> DbResult<Option<InventoryView>> {
    const SQL: &str = "UPDATE inventories SET version = version WHERE inventory_id = $1 RETURNING *";
    tx.query_opt(SQL, (id,), item_from_row)
}

/// Adds `quantity` to what is on hand; a negative one is taken. `None`: there is no such item, fewer are on hand, or
/// more would be on hand than is allowed.
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
    tx.query_opt(SQL, (id, quantity, now, STOCK_QUANTITY_MAX), item_from_row)
}

/// Changes an item's numbers, whatever they are.
pub(crate) fn apply_change(tx: &mut Tx<'_>, change: &StockChange, now: Timestamp) -> DbResult<ItemLevel> {
    const SQL: &str = "
        UPDATE inventories
           SET on_hand = on_hand + $2, reserved = reserved + $3, version = version + 1, updated_at = $4
         WHERE inventory_id = $1
        RETURNING version, on_hand, reserved, low_level, policy";
    tx.query_one(SQL, (change.inventory_id, change.on_hand, change.reserved, now), level_from_row)
}

/// Changes an item's numbers. `None`: its policy is BLOCK and too little is available.
pub(crate) fn apply_change_if_available(
    tx: &mut Tx<'_>,
    change: &StockChange,
    now: Timestamp,
) -> DbResult<Option<ItemLevel>> {
    const SQL: &str = "
        UPDATE inventories
           SET on_hand = on_hand + $2, reserved = reserved + $3, version = version + 1, updated_at = $4
         WHERE inventory_id = $1 AND (on_hand - reserved >= $5 OR policy <> 'BLOCK')
        RETURNING version, on_hand, reserved, low_level, policy";
    let row = (change.inventory_id, change.on_hand, change.reserved, now, -change.available());
    tx.query_opt(SQL, row, level_from_row)
}

/// Which of `ids` exist.
pub(crate) fn existing_items(tx: &mut Tx<'_>, ids: &[InventoryId]) -> DbResult<Vec<InventoryId>> {
    let (places, ids) = in_list(ids);
    let sql = format!("SELECT inventory_id FROM inventories WHERE inventory_id IN ({places})");
    tx.query(&sql, ids, |row| row.get("inventory_id"))
}

/// What is available of those of `ids` whose policy is BLOCK. `ids` is bounded by its caller.
pub(crate) fn available_of_blocking(tx: &mut Tx<'_>, ids: &[InventoryId]) -> DbResult<BTreeMap<InventoryId, i64>> {
    let (places, ids) = in_list(ids);
    let sql = format!(
        "SELECT inventory_id, on_hand - reserved AS available FROM inventories
          WHERE policy = 'BLOCK' AND inventory_id IN ({places})"
    );
    let rows = tx.query(&sql, ids, |row| Ok((row.get("inventory_id")?, row.get("available")?)));
    Ok(rows?.into_iter().collect())
}

/// How many items are at their low level or below.
pub(crate) fn count_low_items(tx: &mut Tx<'_>) -> DbResult<u32> {
    const SQL: &str = "SELECT COUNT(*) AS items FROM inventories WHERE on_hand <= low_level";
    tx.query_one(SQL, (), |row| row.get("items"))
}
