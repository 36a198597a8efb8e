//! Moves an order's stock from its old allocation to its new one. Nothing else moves the stock of orders.

use contracts::{
    event::{InventoryLow, StockShort},
    ids::OrderId,
    inventory::{Shortage, StockoutPolicy},
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::inventory_low;
use crate::{
    error::InventoryError,
    model::{self, Allocation, Reservation, ReservationChange, StockChange, StockEffect, StockNeed, StockNeeds},
    store::{self, ItemLevel, NewMove},
};

/// What to do if a BLOCK item has too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnShortage {
    /// The order is not accepted yet: refuse it.
    Refuse,
    /// The order is accepted: take what it needs and publish the shortage.
    Accept,
}

/// Saves a reservation that `change` changed, and moves its stock accordingly.
///
/// # Errors
/// `OutOfStock` with everything that is missing, with [`OnShortage::Refuse`]; the transaction must end with it.
pub(super) fn reallocate(
    tx: &mut Tx<'_>,
    mut reservation: Reservation,
    change: ReservationChange,
    on_shortage: OnShortage,
    now: Timestamp,
) -> Result<(), InventoryError> {
    if change == ReservationChange::None {
        return Ok(());
    }
    let before = std::mem::take(&mut reservation.allocation);
    let (allocation, needs) = new_allocation(tx, &reservation, &before, change)?;
    reservation.allocation = allocation;
    reservation.drop_old_shortages();
    let pending = if reservation.is_confirmed {
        std::mem::take(&mut reservation.pending_shortages)
    } else {
        reservation.pending_shortages.clone()
    };
    store::update_reservation(tx, &reservation, now)?;

    let changes = model::difference(&before, &reservation.allocation);
    let found = move_items(tx, &reservation, &changes, &needs, on_shortage, now)?;
    if reservation.is_confirmed {
        publish_shortages(tx, reservation, [found, pending].concat(), now)
    } else if found.is_empty() {
        Ok(())
    } else {
        Ok(store::set_pending_shortages(tx, reservation.order_id, &[found, pending].concat())?)
    }
}

/// The allocation that the reservation should have, and what its items need if that was computed.
///
/// While the order has quantities they stay the same, even if a recipe changes meanwhile: the order returns exactly what
/// it holds.
fn new_allocation(
    tx: &mut Tx<'_>,
    reservation: &Reservation,
    before: &Allocation,
    change: ReservationChange,
) -> DbResult<(Allocation, StockNeeds)> {
    let effect = reservation.target_effect();
    match effect {
        StockEffect::None => Ok((Allocation::default(), StockNeeds::new())),
        StockEffect::Held | StockEffect::Consumed
            if before.effect != StockEffect::None && change != ReservationChange::Items =>
        {
            Ok((Allocation { effect, quantities: before.quantities.clone() }, StockNeeds::new()))
        }
        StockEffect::Held | StockEffect::Consumed => {
            let needs = needs_by_recipe(tx, reservation)?;
            let quantities = needs.iter().map(|(id, need)| (*id, need.quantity)).collect();
            Ok((Allocation { effect, quantities }, needs))
        }
    }
}

/// What the ordered items need by the recipes of now.
fn needs_by_recipe(tx: &mut Tx<'_>, reservation: &Reservation) -> DbResult<StockNeeds> {
    let items = reservation.items.as_deref().unwrap_or_default();
    let product_ids: Vec<_> = items.iter().map(|item| item.product_id).collect();
    Ok(model::stock_needs(items, &store::recipes_of(tx, &product_ids)?))
}

fn publish_shortages(
    tx: &mut Tx<'_>,
    mut reservation: Reservation,
    shortages: Vec<Shortage>,
    now: Timestamp,
) -> Result<(), InventoryError> {
    if shortages.is_empty() {
        return Ok(());
    }
    let order_id = reservation.order_id;
    tracing::warn!(%order_id, items = shortages.len(), "order has too little stock");
    reservation.notified_items.extend(shortages.iter().map(|shortage| shortage.inventory_id));
    reservation.notified_items.sort_unstable();
    reservation.notified_items.dedup();
    store::set_notified_items(tx, order_id, &reservation.notified_items)?;
    let event = StockShort { order_id, order_version: reservation.order_version, shortages };
    outbox::append(tx, &event, now)?;
    Ok(())
}

/// Applies changes to the rows of the items, which are contended, in id order; then writes the ledger, which needs what
/// is on hand after each. Returns what is missing of items whose policy is not ALLOW.
fn move_items(
    tx: &mut Tx<'_>,
    reservation: &Reservation,
    changes: &[StockChange],
    needs: &StockNeeds,
    on_shortage: OnShortage,
    now: Timestamp,
) -> Result<Vec<Shortage>, InventoryError> {
    let mut refused = Vec::new();
    let mut shortages = Vec::new();
    let mut moves = Vec::new();
    let mut lows = Vec::new();
    for change in changes {
        let takes = change.available() < 0;
        let level = match on_shortage {
            OnShortage::Refuse if takes => store::apply_change_if_available(tx, change, now)?,
            OnShortage::Refuse | OnShortage::Accept => Some(store::apply_change(tx, change, now)?),
        };
        let Some(level) = level else {
            refused.extend(shortage(tx, change, needs.get(&change.inventory_id), change.available())?);
            continue;
        };
        if takes && level.on_hand < level.reserved && level.policy != StockoutPolicy::Allow {
            shortages.extend(shortage(tx, change, needs.get(&change.inventory_id), 0)?);
        }
        // The order held it, but a person wasted it or counted less: the shelf does not have what was paid for.
        let is_known = reservation.has_shortage_of(change.inventory_id);
        if !takes && !is_known && change.on_hand < 0 && level.on_hand < 0 && level.policy != StockoutPolicy::Allow {
            let need = need_of_item(tx, reservation, change)?;
            shortages.extend(shortage(tx, change, Some(&need), level.reserved)?);
        }
        lows.extend(low_event(tx, change, &level)?);
        moves.extend(sale(reservation.order_id, change, &level));
    }
    if !refused.is_empty() {
        return Err(InventoryError::OutOfStock(refused));
    }
    store::insert_moves(tx, &moves, now)?;
    for low in &lows {
        outbox::append(tx, low, now)?;
    }
    Ok(shortages)
}

/// The ledger's row of a change. `None`: nothing left the shelf or came back.
fn sale(order_id: OrderId, change: &StockChange, level: &ItemLevel) -> Option<NewMove<'static>> {
    Some(NewMove {
        inventory_id: change.inventory_id,
        item_version: level.version,
        reason: change.reason()?,
        quantity: change.on_hand,
        on_hand_after: level.on_hand,
        order_id: Some(order_id),
        note: None,
    })
}

/// What an order that held an item needs of it, and for which of its products by the recipes of now.
fn need_of_item(tx: &mut Tx<'_>, reservation: &Reservation, change: &StockChange) -> DbResult<StockNeed> {
    let by_recipe = needs_by_recipe(tx, reservation)?.remove(&change.inventory_id);
    Ok(StockNeed { quantity: -change.on_hand, ..by_recipe.unwrap_or_default() })
}

/// What is missing of an item. `correction` is added to the available quantity of the row: the part of the change that
/// the row does not have, or what others hold if this order comes before them.
fn shortage(
    tx: &mut Tx<'_>,
    change: &StockChange,
    need: Option<&StockNeed>,
    correction: i64,
) -> DbResult<Option<Shortage>> {
    let Some((item, need)) = store::find_item(tx, change.inventory_id)?.zip(need) else {
        return Ok(None);
    };
    Ok(Some(Shortage {
        inventory_id: item.inventory_id,
        name: item.name,
        unit: item.unit,
        needed: need.quantity,
        // What the order itself held before counts as available to it.
        available: (item.available + correction + need.quantity).max(0),
        product_ids: need.product_ids.clone(),
    }))
}

fn low_event(tx: &mut Tx<'_>, change: &StockChange, level: &ItemLevel) -> DbResult<Option<InventoryLow>> {
    let crossed = model::crosses_low_level(level.on_hand, change.on_hand, level.low_level);
    let Some(low_level) = level.low_level.filter(|_| crossed) else { return Ok(None) };
    Ok(store::find_item(tx, change.inventory_id)?.map(|item| inventory_low(item, low_level)))
}
