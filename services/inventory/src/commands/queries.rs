//! What the GET routes read.

use contracts::{
    Page,
    ids::{InventoryId, ProductId},
    inventory::{InventoryView, RecipeView, StockMove, WriteRecipe},
};

use super::Inventory;
use crate::{
    error::InventoryError,
    model,
    store::{self, ItemFilter},
};

impl Inventory {
    /// `GET /api/Inventory/{inventoryId}`.
    ///
    /// # Errors
    /// `UnknownItem`.
    pub(crate) async fn get_item(&self, id: InventoryId) -> Result<InventoryView, InventoryError> {
        self.db.point_read(move |tx| store::find_item(tx, id)?.ok_or(InventoryError::UnknownItem(id))).await
    }

    /// `GET /api/Inventory`: a page of items by name.
    pub(crate) async fn list_items(
        &self,
        filter: ItemFilter,
        limit: u32,
    ) -> Result<Page<InventoryView>, InventoryError> {
        let items = self.db.read(move |tx| store::list_items(tx, &filter, limit + 1)).await?;
        Ok(Page::of(items, limit, |item| item.inventory_id))
    }

    /// `GET /api/StockMovement/{inventoryId}`: a page of an item's ledger, the newest first.
    ///
    /// # Errors
    /// `UnknownItem`.
    pub(crate) async fn list_moves(
        &self,
        id: InventoryId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<StockMove>, InventoryError> {
        let moves = self.db.read(move |tx| {
            let moves = store::list_moves(tx, id, before, limit + 1)?;
            if moves.is_empty() && store::find_item(tx, id)?.is_none() {
                return Err(InventoryError::UnknownItem(id));
            }
            Ok(moves)
        });
        let Page { items, next_cursor } = Page::of(moves.await?, limit, |(_, item_version)| *item_version);
        Ok(Page { items: items.into_iter().map(|(stock_move, _)| stock_move).collect(), next_cursor })
    }

    /// `GET /api/Recipe/{productId}`: the written recipe, else one of the item that the product is counted as.
    pub(crate) async fn get_recipe(&self, product_id: ProductId) -> Result<RecipeView, InventoryError> {
        let read = self.db.read(move |tx| {
            let written = store::find_recipe(tx, product_id)?;
            let is_default = written.is_none();
            let WriteRecipe { parts, options } = match written {
                Some(recipe) => recipe,
                None => store::find_item_of_product(tx, product_id)?
                    .map_or_else(model::empty_recipe, |item| model::one_of(item.inventory_id)),
            };
            Ok::<_, db::DbError>(RecipeView { product_id, parts, options, is_default })
        });
        Ok(read.await?)
    }
}
