//! What a person does to the stock: a delivery, waste, a count, a correction.

use contracts::{
    ids::InventoryId,
    inventory::{AdjustStock, InventoryView},
};
use db::{
    DbError, Tx,
    idempotency::{self, IdempotencyKey},
    outbox,
};

use super::{Inventory, low};
use crate::{
    error::InventoryError,
    model::{self, Adjustment},
    store::{self, NewMove},
};

impl Inventory {
    /// `POST /api/Inventory/{inventoryId}/adjust`: moves stock by hand and answers the item as it is then.
    ///
    /// # Errors
    /// Where the quantity is out of bounds, there is no such item, or less is there than is to leave.
    pub(crate) async fn adjust(
        &self,
        key: Option<IdempotencyKey>,
        id: InventoryId,
        adjust: AdjustStock,
    ) -> Result<InventoryView, InventoryError> {
        let adjustment = model::adjustment(&adjust).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                    return Ok(earlier);
                }
                let quantity = match adjustment {
                    Adjustment::By(quantity) => quantity,
                    // The row is held from here: what is sold meanwhile waits, and is not lost.
                    Adjustment::To(counted) => counted - store::lock_item(tx, id)?.ok_or(InventoryError::NoItem(id))?,
                };
                let Some(item) = store::add_on_hand(tx, id, quantity, now)? else {
                    return Err(refusal(tx, id, quantity)?);
                };
                let moved = NewMove {
                    inventory_id: id,
                    item_version: item.version,
                    reason: adjust.reason,
                    quantity,
                    on_hand_after: item.on_hand,
                    order_id: None,
                    note: model::note(&adjust),
                };
                store::insert_moves(tx, &[moved], now)?;
                if let Some(level) = item.low_level.filter(|_| model::fell_low(item.on_hand, quantity, item.low_level))
                {
                    outbox::append(tx, &low(item.clone(), level), now)?;
                }
                idempotency::save_response(tx, key.as_ref(), &item, now)?;
                Ok(item)
            })
            .await
    }
}

/// Why `quantity` was not added.
fn refusal(tx: &mut Tx<'_>, id: InventoryId, quantity: i64) -> Result<InventoryError, DbError> {
    Ok(match store::item(tx, id)? {
        None => InventoryError::NoItem(id),
        Some(item) if quantity < 0 => InventoryError::TooLittle { item: Box::new(item), wanted: -quantity },
        Some(item) => InventoryError::TooMuch(Box::new(item)),
    })
}
