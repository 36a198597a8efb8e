//! Rows of `recipes`.

use contracts::{
    ids::{InventoryId, ProductId},
    inventory::WriteRecipe,
    time::Timestamp,
};
use db::{DbResult, Tx, in_list, json};

use super::optional_json;
use crate::model::{self, Recipes};

/// The recipes of these products: what was written, else one of the item that the product is counted as. A product
/// without either takes nothing, and is left out.
pub(crate) fn recipes_of(tx: &mut Tx<'_>, product_ids: &[ProductId]) -> DbResult<Recipes> {
    if product_ids.is_empty() {
        return Ok(Recipes::new());
    }
    let (ids, product_ids) = in_list(product_ids);
    let sql = format!(
        "SELECT product_id, recipe, CAST(NULL AS TEXT) AS inventory_id FROM recipes WHERE product_id IN ({ids})
         UNION ALL
         SELECT product_id, CAST(NULL AS TEXT) AS recipe, inventory_id FROM inventories
          WHERE product_id IN ({ids})
            AND NOT EXISTS (SELECT 1 FROM recipes WHERE recipes.product_id = inventories.product_id)"
    );
    let recipes = tx.query(&sql, product_ids, |row| {
        let written: Option<WriteRecipe> = optional_json(row, "recipe")?;
        let item: Option<InventoryId> = row.get("inventory_id")?;
        let recipe = written.unwrap_or_else(|| item.map_or_else(model::empty_recipe, model::one_of));
        Ok((row.get::<ProductId>("product_id")?, recipe))
    });
    Ok(recipes?.into_iter().collect())
}

/// The written recipe of a product.
pub(crate) fn find_recipe(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<Option<WriteRecipe>> {
    const SQL: &str = "SELECT recipe FROM recipes WHERE product_id = $1";
    tx.query_opt(SQL, (product_id,), |row| row.json("recipe"))
}

/// Locks the written recipe of a product until the transaction ends, and returns it.
pub(crate) fn lock_recipe(tx: &mut Tx<'_>, product_id: ProductId) -> DbResult<Option<WriteRecipe>> {
    const SQL: &str = "UPDATE recipes SET written_at = written_at WHERE product_id = $1 RETURNING recipe";
    tx.query_opt(SQL, (product_id,), |row| row.json("recipe"))
}

/// Writes the whole recipe of a product.
pub(crate) fn upsert_recipe(
    tx: &mut Tx<'_>,
    product_id: ProductId,
    recipe: &WriteRecipe,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO recipes (product_id, recipe, written_at) VALUES ($1, $2, $3)
        ON CONFLICT (product_id) DO UPDATE SET recipe = excluded.recipe, written_at = excluded.written_at";
    tx.execute(SQL, (product_id, json(recipe)?, now)).map(drop)
}
