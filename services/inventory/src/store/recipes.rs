//! Rows of `recipes` and `recipes_written`.

use contracts::{
    ids::ProductId,
    inventory::{RecipePart, ReserveItem},
    time::Timestamp,
};
use db::{DbResult, Tx, Value, in_list, placeholders};

use crate::model::RecipeLine;

/// What one unit of each of these products takes: its written recipe, else one of the item that it is.
pub(crate) fn recipe_lines(tx: &mut Tx<'_>, items: &[ReserveItem]) -> DbResult<Vec<RecipeLine>> {
    let product_ids: Vec<ProductId> = items.iter().map(|item| item.product_id).collect();
    let (ids, product_ids) = in_list(&product_ids);
    let sql = format!(
        "SELECT product_id, inventory_id, quantity FROM recipes WHERE product_id IN ({ids})
         UNION ALL
         SELECT product_id, inventory_id, 1 FROM inventories
          WHERE product_id IN ({ids})
            AND NOT EXISTS (SELECT 1 FROM recipes_written WHERE recipes_written.product_id = inventories.product_id)"
    );
    tx.query(&sql, product_ids, |row| {
        Ok(RecipeLine {
            product_id: row.get("product_id")?,
            inventory_id: row.get("inventory_id")?,
            quantity: row.get("quantity")?,
        })
    })
}

/// Whether somebody wrote this product's recipe.
pub(crate) fn is_recipe_written(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<bool> {
    const SQL: &str = "SELECT product_id FROM recipes_written WHERE product_id = $1";
    Ok(tx.query_opt(SQL, (product_id,), |_| Ok(()))?.is_some())
}

/// The parts of a product's written recipe.
pub(crate) fn recipe_parts(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<Vec<RecipePart>> {
    const SQL: &str = "SELECT inventory_id, quantity FROM recipes WHERE product_id = $1 ORDER BY inventory_id";
    tx.query(SQL, (product_id,), |row| {
        Ok(RecipePart { inventory_id: row.get("inventory_id")?, quantity: row.get("quantity")? })
    })
}

/// Notes that a product has a recipe, and holds that row until the transaction ends.
pub(crate) fn write_recipe_header(tx: &mut Tx<'_>, product_id: ProductId, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO recipes_written (product_id, written_at) VALUES ($1, $2)
        ON CONFLICT (product_id) DO UPDATE SET written_at = excluded.written_at";
    tx.execute(SQL, (product_id, now)).map(drop)
}

/// Takes away all parts of a recipe.
pub(crate) fn clear_recipe(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<()> {
    const SQL: &str = "DELETE FROM recipes WHERE product_id = $1";
    tx.execute(SQL, (product_id,)).map(drop)
}

/// Adds the parts of a recipe.
pub(crate) fn insert_recipe(tx: &mut Tx<'_>, product_id: ProductId, parts: &[RecipePart]) -> DbResult<()> {
    const COLUMNS: usize = 3;
    if parts.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = (0..parts.len()).map(|row| format!("({})", placeholders(row * COLUMNS + 1, COLUMNS))).collect();
    let sql = format!("INSERT INTO recipes (product_id, inventory_id, quantity) VALUES {}", rows.join(", "));
    let of_part = |part: &RecipePart| [Value::of(product_id), Value::of(part.inventory_id), Value::of(part.quantity)];
    let values: Vec<Value> = parts.iter().flat_map(of_part).collect();
    tx.execute(&sql, values).map(drop)
}
