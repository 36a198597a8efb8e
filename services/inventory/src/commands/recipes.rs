//! Recipes: what one unit of a product takes.

use contracts::{
    ids::{InventoryId, ProductId},
    inventory::{RecipePart, RecipeView, WriteRecipe},
};

use super::Inventory;
use crate::{error::InventoryError, model, store};

impl Inventory {
    /// `GET /api/Recipe/{productId}`: the recipe that somebody wrote, else the product itself, if it is counted.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) async fn recipe(&self, product_id: ProductId) -> Result<RecipeView, InventoryError> {
        self.db
            .read(move |tx| {
                if store::is_recipe_written(tx, product_id)? {
                    let parts = store::recipe_parts(tx, product_id)?;
                    return Ok(RecipeView { product_id, parts, is_default: false });
                }
                let itself = store::item_of_product(tx, product_id)?;
                let parts = itself.map(|item| RecipePart { inventory_id: item.inventory_id, quantity: 1 });
                Ok(RecipeView { product_id, parts: parts.into_iter().collect(), is_default: true })
            })
            .await
    }

    /// `PUT /api/Recipe/{productId}`: writes a recipe. Orders that hold their parts already keep them as they are.
    ///
    /// # Errors
    /// Where it cannot be kept so, or names an item that does not exist.
    pub(crate) async fn write_recipe(
        &self,
        product_id: ProductId,
        recipe: WriteRecipe,
    ) -> Result<RecipeView, InventoryError> {
        model::check_recipe(&recipe).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let ids: Vec<InventoryId> = recipe.parts.iter().map(|part| part.inventory_id).collect();
                let known = store::known_items(tx, &ids)?;
                if let Some(unknown) = ids.into_iter().find(|id| !known.contains(id)) {
                    return Err(InventoryError::UnknownPart(unknown));
                }
                store::write_recipe_header(tx, product_id, now)?;
                store::clear_recipe(tx, product_id)?;
                store::insert_recipe(tx, product_id, &recipe.parts)?;
                let parts = store::recipe_parts(tx, product_id)?;
                Ok(RecipeView { product_id, parts, is_default: false })
            })
            .await
    }
}
