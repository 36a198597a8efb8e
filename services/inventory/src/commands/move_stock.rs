//! The one place where an order's stock moves: from what the order occupied to what it should occupy now.

use contracts::{
    event::{InventoryLow, StockShort},
    ids::OrderId,
    inventory::{Shortage, StockoutPolicy},
    time::Timestamp,
};
use db::{DbError, DbResult, Tx, outbox};

use super::low;
use crate::{
    error::InventoryError,
    model::{self, Changed, Effect, Need, Needs, Occupied, OrderStock, StockChange},
    store::{self, ItemLevel, NewMove},
};

/// What to do where there is too little of a BLOCK item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenShort {
    /// The order is not accepted yet: refuse it.
    Refuse,
    /// It is accepted: take what it needs, and tell staff.
    LetThrough,
}

/// Makes the stock follow `order`, which just changed, and keeps it.
///
/// # Errors
/// `OutOfStock` with everything that is missing, where the order may be refused; the transaction must end with it.
pub(super) fn follow(
    tx: &mut Tx<'_>,
    mut order: OrderStock,
    changed: Changed,
    when_short: WhenShort,
    now: Timestamp,
) -> Result<(), InventoryError> {
    if changed == Changed::Nothing {
        return Ok(());
    }
    let before = std::mem::take(&mut order.occupied);
    let effect = order.wanted();
    let mut needs = Needs::new();
    order.occupied = match effect {
        Effect::None => Occupied::default(),
        // Parts stay as they are while the order occupies any: a recipe that was written meanwhile unbalances nothing.
        Effect::Held | Effect::Taken if before.effect != Effect::None && changed != Changed::Items => {
            Occupied { effect, parts: before.parts.clone() }
        }
        Effect::Held | Effect::Taken => {
            let items = order.items.as_deref().unwrap_or_default();
            needs = model::needs(items, &store::recipe_lines(tx, items)?);
            Occupied { effect, parts: needs.iter().map(|(id, need)| (*id, need.quantity)).collect() }
        }
    };
    order.forget_old_shortages();
    let unsaid = if order.is_confirmed { std::mem::take(&mut order.unsaid) } else { order.unsaid.clone() };
    store::save_order(tx, &order, now)?;

    let changes = model::difference(&before, &order.occupied);
    let mut shortages = move_items(tx, &order, &changes, &needs, when_short, now)?;
    let is_nothing_new = shortages.is_empty() && !order.is_confirmed;
    shortages.extend(unsaid);
    if shortages.is_empty() || is_nothing_new {
        return Ok(());
    }
    if order.is_confirmed {
        tracing::warn!(order_id = %order.order_id, items = shortages.len(), "order has too little stock");
        order.said_of.extend(shortages.iter().map(|shortage| shortage.inventory_id));
        order.said_of.sort_unstable();
        order.said_of.dedup();
        store::keep_said(tx, order.order_id, &order.said_of)?;
        let short = StockShort { order_id: order.order_id, order_version: order.order_version, shortages };
        outbox::append(tx, &short, now)?;
    } else {
        store::keep_unsaid(tx, order.order_id, &shortages)?;
    }
    Ok(())
}

/// Applies changes to the items' rows, which are the hot ones, in id order; then the ledger, which says what was
/// left. Answers what is missing of items that are not to be missed.
fn move_items(
    tx: &mut Tx<'_>,
    order: &OrderStock,
    changes: &[StockChange],
    needs: &Needs,
    when_short: WhenShort,
    now: Timestamp,
) -> Result<Vec<Shortage>, InventoryError> {
    let mut refused = Vec::new();
    let mut shortages = Vec::new();
    let mut moves = Vec::new();
    let mut lows = Vec::new();
    for change in changes {
        let takes = change.available() < 0;
        let level = match when_short {
            WhenShort::Refuse if takes => store::change_if_enough(tx, change, now)?,
            WhenShort::Refuse | WhenShort::LetThrough => Some(store::change(tx, change, now)?),
        };
        let Some(level) = level else {
            refused.extend(shortage(tx, change, needs.get(&change.inventory_id), change.available())?);
            continue;
        };
        if takes && level.on_hand < level.reserved && level.policy != StockoutPolicy::Allow {
            shortages.extend(shortage(tx, change, needs.get(&change.inventory_id), 0)?);
        }
        // It was held, and a person wasted it or counted less: the shelf does not have what is paid for.
        let is_noted = order.is_noted_short_of(change.inventory_id);
        if !takes && !is_noted && change.on_hand < 0 && level.on_hand < 0 && level.policy != StockoutPolicy::Allow {
            let need = need_of(tx, order, change)?;
            shortages.extend(shortage(tx, change, Some(&need), level.reserved)?);
        }
        lows.extend(fell_low(tx, change, &level)?);
        moves.extend(ledger_row(order.order_id, change, &level));
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

fn ledger_row(order_id: OrderId, change: &StockChange, level: &ItemLevel) -> Option<NewMove<'static>> {
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
fn need_of(tx: &mut Tx<'_>, order: &OrderStock, change: &StockChange) -> DbResult<Need> {
    let items = order.items.as_deref().unwrap_or_default();
    let by_recipe = model::needs(items, &store::recipe_lines(tx, items)?).remove(&change.inventory_id);
    Ok(Need { quantity: -change.on_hand, ..by_recipe.unwrap_or_default() })
}

/// What is missing of an item. `pending`: what of the change is not in its row, or what others hold where the order
/// comes first.
fn shortage(tx: &mut Tx<'_>, change: &StockChange, need: Option<&Need>, pending: i64) -> DbResult<Option<Shortage>> {
    let Some((item, need)) = store::item(tx, change.inventory_id)?.zip(need) else {
        return Ok(None);
    };
    Ok(Some(Shortage {
        inventory_id: item.inventory_id,
        name: item.name,
        unit: item.unit,
        needed: need.quantity,
        // What the order itself occupied before counts as available to it.
        available: (item.available + pending + need.quantity).max(0),
        product_ids: need.product_ids.clone(),
    }))
}

fn fell_low(tx: &mut Tx<'_>, change: &StockChange, level: &ItemLevel) -> Result<Option<InventoryLow>, DbError> {
    let Some(low_level) = level.low_level.filter(|_| model::fell_low(level.on_hand, change.on_hand, level.low_level))
    else {
        return Ok(None);
    };
    Ok(store::item(tx, change.inventory_id)?.map(|item| low(item, low_level)))
}
