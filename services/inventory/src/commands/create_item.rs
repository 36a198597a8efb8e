//! `POST /api/Inventory`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    ids::{InventoryId, ProductId},
    inventory::{InventoryView, WriteInventory},
    time::Timestamp,
};
use db::{
    DbResult, Tx,
    idempotency::{self, Answer, IdempotencyKey},
    outbox,
};

use super::Inventory;
use crate::{error::InventoryError, model, store};

impl Inventory {
    /// Creates an item with nothing on hand. A repeated request gets the first response.
    ///
    /// # Errors
    /// `Invalid`; `ItemExists` or `ProductAlreadyCounted` if the id or the product belongs to another item.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn create_item(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        item: WriteInventory,
    ) -> Result<InventoryView, InventoryError> {
        let item = model::check_item(item).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        let id = item.inventory_id.unwrap_or_else(|| InventoryId::new(now));
        let created = self.db.write(move |tx| {
            idempotency::once(tx, key.as_ref(), now, |tx| match store::insert_item(tx, id, &item, now)? {
                Some(created) => {
                    append_created(tx, &actor, &created, now)?;
                    Ok(created)
                }
                None => Err(conflict(tx, id, item.product_id)?),
            })
        });
        created.await.map(Answer::into_inner)
    }
}

/// Why an item was not inserted.
fn conflict(tx: &mut Tx<'_>, id: InventoryId, product_id: Option<ProductId>) -> DbResult<InventoryError> {
    match (store::find_item(tx, id)?, product_id) {
        (None, Some(product_id)) => Ok(InventoryError::ProductAlreadyCounted(product_id)),
        _ => Ok(InventoryError::ItemExists(id)),
    }
}

/// The act for the audit trail.
fn append_created(tx: &mut Tx<'_>, actor: &Actor, item: &InventoryView, now: Timestamp) -> DbResult<()> {
    let act = AuditEntry::new(actor.clone(), AuditArea::Stock, "item.created", item.inventory_id, &*item.name, now);
    outbox::append_act(tx, act.with_after(item)?)
}
