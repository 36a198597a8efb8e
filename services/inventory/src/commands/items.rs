//! Items of stock: made, changed and looked at by staff. How much is there is not written here, but moved.

use contracts::{
    Page,
    ids::{InventoryId, ProductId},
    inventory::{InventoryView, StockMove, WriteInventory},
};
use db::{
    DbError, Tx,
    idempotency::{self, IdempotencyKey},
    outbox,
};

use super::{Inventory, low};
use crate::{
    error::InventoryError,
    model,
    store::{self, ItemFilter},
};

impl Inventory {
    /// `POST /api/Inventory`: makes an item of which nothing is there yet.
    ///
    /// # Errors
    /// Where it cannot be kept so, or its id or its product is another item's.
    pub(crate) async fn create_item(
        &self,
        key: Option<IdempotencyKey>,
        item: WriteInventory,
    ) -> Result<InventoryView, InventoryError> {
        let item = model::item(item).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        let id = item.inventory_id.unwrap_or_else(|| InventoryId::new(now));
        self.db
            .write(move |tx| {
                if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                    return Ok(earlier);
                }
                let Some(made) = store::insert_item(tx, id, &item, now)? else {
                    return Err(taken(tx, id, item.product_id)?);
                };
                idempotency::save_response(tx, key.as_ref(), &made, now)?;
                Ok(made)
            })
            .await
    }

    /// `PUT /api/Inventory/{inventoryId}`: writes an item anew, with `expected` only if that is still the version of
    /// its settings. Where its low level is thereby reached, staff hear it.
    ///
    /// # Errors
    /// Where it cannot be kept so, does not exist, was changed meanwhile, or its product is another item's.
    pub(crate) async fn change_item(
        &self,
        id: InventoryId,
        expected: Option<i64>,
        item: WriteInventory,
    ) -> Result<InventoryView, InventoryError> {
        if let Some(other) = item.inventory_id.filter(|given| *given != id) {
            let detail = format!("The path names the item {id}, the body {other}. Leave inventoryId out of the body.");
            return Err(InventoryError::Invalid(detail));
        }
        let item = model::item(item).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let becomes_low = match item.low_level {
                    Some(level) => store::raise_low_level(tx, id, level)?,
                    None => false,
                };
                let changed = store::update_item(tx, id, &item, expected, now).map_err(|error| {
                    match (error, item.product_id) {
                        (DbError::Unique { .. }, Some(product_id)) => InventoryError::ProductCounted(product_id),
                        (error, _) => error.into(),
                    }
                })?;
                let Some(changed) = changed else {
                    let actual = store::item(tx, id)?.ok_or(InventoryError::NoItem(id))?.settings_version;
                    return Err(InventoryError::ChangedMeanwhile { id, actual });
                };
                if let Some(level) = changed.low_level.filter(|_| becomes_low) {
                    outbox::append(tx, &low(changed.clone(), level), now)?;
                }
                Ok(changed)
            })
            .await
    }

    /// `GET /api/Inventory/{inventoryId}`.
    ///
    /// # Errors
    /// Where it does not exist.
    pub(crate) async fn item(&self, id: InventoryId) -> Result<InventoryView, InventoryError> {
        self.db.point_read(move |tx| store::item(tx, id)?.ok_or(InventoryError::NoItem(id))).await
    }

    /// `GET /api/Inventory`: a page of items by name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) async fn items(&self, filter: ItemFilter, limit: u32) -> Result<Page<InventoryView>, InventoryError> {
        let items = self.db.read(move |tx| store::items(tx, &filter, limit + 1)).await?;
        Ok(Page::of(items, limit, |item| item.inventory_id))
    }

    /// `GET /api/StockMovement/{inventoryId}`: a page of an item's ledger, the newest first.
    ///
    /// # Errors
    /// Where the item does not exist.
    pub(crate) async fn moves(
        &self,
        id: InventoryId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<StockMove>, InventoryError> {
        let moves = self
            .db
            .read(move |tx| {
                let moves = store::moves(tx, id, before, limit + 1)?;
                if moves.is_empty() && store::item(tx, id)?.is_none() {
                    return Err(InventoryError::NoItem(id));
                }
                Ok(moves)
            })
            .await?;
        let Page { items, next_cursor } = Page::of(moves, limit, |(_, item_version)| *item_version);
        Ok(Page { items: items.into_iter().map(|(moved, _)| moved).collect(), next_cursor })
    }
}

/// Why an item was not made.
fn taken(tx: &mut Tx<'_>, id: InventoryId, product_id: Option<ProductId>) -> Result<InventoryError, DbError> {
    match (store::item(tx, id)?, product_id) {
        (None, Some(product_id)) => Ok(InventoryError::ProductCounted(product_id)),
        _ => Ok(InventoryError::ItemExists(id)),
    }
}
