//! `POST /api/Inventory/{inventoryId}/adjust`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    ids::InventoryId,
    inventory::{AdjustStock, InventoryView, MoveReason},
    time::Timestamp,
};
use db::{
    DbResult, Tx, approvals,
    idempotency::{self, Answer, IdempotencyKey},
    outbox,
};

use serde_json::json;

use super::{Inventory, inventory_low};
use crate::{
    error::InventoryError,
    model::{self, Adjustment},
    store::{self, NewMove},
};

impl Inventory {
    /// Moves stock by hand: a delivery, waste, a count or a correction. A repeated request gets the first response.
    ///
    /// # Errors
    /// `Invalid`, `UnknownItem`, `InsufficientStock`, or `StockLimitExceeded`.
    #[tracing::instrument(level = "debug", skip_all, fields(inventory_id = %id))]
    pub(crate) async fn adjust_stock(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        id: InventoryId,
        adjust: AdjustStock,
    ) -> Result<InventoryView, InventoryError> {
        let adjustment = model::check_adjustment(&adjust).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        let adjusted = self.db.write(move |tx| {
            idempotency::once(tx, key.as_ref(), now, |tx| {
                approvals::use_up(tx, &actor, now)?;
                let (item, quantity) = apply_adjustment(tx, id, adjustment, &adjust, now)?;
                append_adjusted(tx, &actor, &adjust, &item, quantity, now)?;
                Ok(item)
            })
        });
        adjusted.await.map(Answer::into_inner)
    }
}

/// Moves the stock. Returns the item after it, and how much was added.
fn apply_adjustment(
    tx: &mut Tx<'_>,
    id: InventoryId,
    adjustment: Adjustment,
    adjust: &AdjustStock,
    now: Timestamp,
) -> Result<(InventoryView, i64), InventoryError> {
    let quantity = match adjustment {
        Adjustment::By(quantity) => quantity,
        // The row is locked from here, so that no sale is lost between the count and the write.
        Adjustment::To(counted) => counted - store::lock_item(tx, id)?.ok_or(InventoryError::UnknownItem(id))?,
    };
    let Some(item) = store::add_on_hand(tx, id, quantity, now)? else {
        return Err(refusal(tx, id, quantity)?);
    };
    let new_move = NewMove {
        inventory_id: id,
        item_version: item.version,
        reason: adjust.reason,
        quantity,
        on_hand_after: item.on_hand,
        order_id: None,
        note: model::trimmed_note(adjust),
    };
    store::insert_moves(tx, &[new_move], now)?;
    let crossed = model::crosses_low_level(item.on_hand, quantity, item.low_level);
    if let Some(level) = item.low_level.filter(|_| crossed) {
        outbox::append(tx, &inventory_low(item.clone(), level), now)?;
    }
    Ok((item, quantity))
}

/// Why `quantity` was not added.
fn refusal(tx: &mut Tx<'_>, id: InventoryId, quantity: i64) -> DbResult<InventoryError> {
    Ok(match store::find_item(tx, id)? {
        None => InventoryError::UnknownItem(id),
        Some(item) if quantity < 0 => InventoryError::InsufficientStock { item: Box::new(item), wanted: -quantity },
        Some(item) => InventoryError::StockLimitExceeded(Box::new(item)),
    })
}

/// The act for the audit trail: what was on hand before and after.
fn append_adjusted(
    tx: &mut Tx<'_>,
    actor: &Actor,
    adjust: &AdjustStock,
    item: &InventoryView,
    quantity: i64,
    now: Timestamp,
) -> DbResult<()> {
    let on_hand = |on_hand: i64| json!({"onHand": on_hand, "unit": item.unit});
    let action = action_of(adjust.reason);
    let act = AuditEntry::new(actor.clone(), AuditArea::Stock, action, item.inventory_id, &*item.name, now)
        .with_reason(model::trimmed_note(adjust).map(str::to_owned))
        .with_before(&on_hand(item.on_hand - quantity))?
        .with_after(&on_hand(item.on_hand))?;
    outbox::append_act(tx, act)
}

fn action_of(reason: MoveReason) -> &'static str {
    match reason {
        MoveReason::Received => "stock.received",
        MoveReason::Waste => "stock.wasted",
        MoveReason::Count => "stock.counted",
        MoveReason::Correction => "stock.corrected",
        // Only orders make these movements.
        MoveReason::Sale | MoveReason::SaleReversed => "stock.moved",
    }
}
