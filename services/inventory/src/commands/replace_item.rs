//! `PUT /api/Inventory/{inventoryId}`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    ids::InventoryId,
    inventory::{InventoryView, WriteInventory},
    time::Timestamp,
};
use db::{DbError, DbResult, Tx, outbox};

use super::{Inventory, inventory_low};
use crate::{error::InventoryError, model, store};

impl Inventory {
    /// Replaces an item's settings; what is on hand stays. With `expected`, only if that is still the version of its
    /// settings. Publishes `InventoryLow` if the new low level is above what is on hand and the old one was not.
    ///
    /// # Errors
    /// `Invalid`, `UnknownItem`, `VersionMismatch`, or `ProductAlreadyCounted`.
    #[tracing::instrument(level = "debug", skip_all, fields(inventory_id = %id))]
    pub(crate) async fn replace_item(
        &self,
        actor: Actor,
        id: InventoryId,
        expected: Option<i64>,
        item: WriteInventory,
    ) -> Result<InventoryView, InventoryError> {
        if let Some(other) = item.inventory_id.filter(|written| *written != id) {
            let detail = format!("The path names the item {id}, the body {other}. Leave inventoryId out of the body.");
            return Err(InventoryError::Invalid(detail));
        }
        let item = model::check_item(item).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let before = store::lock_whole_item(tx, id)?.ok_or(InventoryError::UnknownItem(id))?;
                let becomes_low = match item.low_level {
                    Some(level) => store::raise_low_level(tx, id, level)?,
                    None => false,
                };
                let replaced = store::update_item(tx, id, &item, expected, now).map_err(|error| {
                    match (error, item.product_id) {
                        (DbError::Unique { .. }, Some(product_id)) => InventoryError::ProductAlreadyCounted(product_id),
                        (error, _) => error.into(),
                    }
                })?;
                let Some(replaced) = replaced else {
                    let actual = store::find_item(tx, id)?.ok_or(InventoryError::UnknownItem(id))?.settings_version;
                    return Err(InventoryError::VersionMismatch { id, actual });
                };
                if let Some(level) = replaced.low_level.filter(|_| becomes_low) {
                    outbox::append(tx, &inventory_low(replaced.clone(), level), now)?;
                }
                append_changed(tx, &actor, &before, &replaced, now)?;
                Ok(replaced)
            })
            .await
    }
}

/// The act for the audit trail.
fn append_changed(
    tx: &mut Tx<'_>,
    actor: &Actor,
    before: &InventoryView,
    after: &InventoryView,
    now: Timestamp,
) -> DbResult<()> {
    let act = AuditEntry::new(actor.clone(), AuditArea::Stock, "item.changed", after.inventory_id, &*after.name, now);
    outbox::append_act(tx, act.with_change(before, after)?)
}
