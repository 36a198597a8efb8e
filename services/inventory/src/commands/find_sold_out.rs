//! `POST /internal/Inventory/sold-out`.

use contracts::{
    ids::{InventoryId, ProductId},
    inventory::{FindSoldOut, SoldOut},
};

use super::Inventory;
use crate::{error::InventoryError, model, store};

impl Inventory {
    /// The products of `request` for which an order would be refused now, because a BLOCK item has too little.
    ///
    /// # Errors
    /// `Invalid` if there are more items than one request may have.
    pub(crate) async fn find_sold_out(&self, request: FindSoldOut) -> Result<SoldOut, InventoryError> {
        model::check_sold_out_request(&request).map_err(InventoryError::Invalid)?;
        let items = request.items;
        let read = self.db.read(move |tx| {
            let product_ids: Vec<ProductId> = items.iter().map(|item| item.product_id).collect();
            let recipes = store::recipes_of(tx, &product_ids)?;
            let needed = model::stock_needs(&items, &recipes);
            let needed: Vec<InventoryId> = needed.into_keys().collect();
            let available = store::available_of_blocking(tx, &needed)?;
            Ok::<_, db::DbError>(SoldOut { product_ids: model::sold_out(&items, &recipes, &available) })
        });
        Ok(read.await?)
    }
}
