//! What an order needs, what it occupies of the stock, and what changes between two such states.

use std::collections::BTreeMap;

use contracts::{
    ids::{InventoryId, ProductId},
    inventory::{MoveReason, ReserveItem, Shortage},
};
use strum::{EnumString, IntoStaticStr};

/// What an order occupies of each item.
pub(crate) type Parts = BTreeMap<InventoryId, i64>;
/// What an order needs of each item, and which of its products need it.
pub(crate) type Needs = BTreeMap<InventoryId, Need>;

/// What an order needs of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) quantity: i64,
    pub(crate) product_ids: Vec<ProductId>,
}

/// One unit of a product takes this much of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecipeLine {
    pub(crate) product_id: ProductId,
    pub(crate) inventory_id: InventoryId,
    pub(crate) quantity: i64,
}

/// What an order does to the stock now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Effect {
    /// It holds its parts: they are on the shelf, and nobody else may have them.
    Held,
    /// It took its parts: they left the shelf.
    Taken,
    /// It does nothing.
    #[default]
    None,
}

/// What an order does to the stock, and with how much of each item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Occupied {
    pub(crate) effect: Effect,
    pub(crate) parts: Parts,
}

/// How one item's numbers change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StockChange {
    pub(crate) inventory_id: InventoryId,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

impl StockChange {
    /// How what others can have changes.
    pub(crate) const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    /// What the ledger says of it. `None`: nothing left the shelf or came back.
    pub(crate) const fn reason(&self) -> Option<MoveReason> {
        match self.on_hand {
            0 => None,
            ..0 => Some(MoveReason::Sale),
            1.. => Some(MoveReason::SaleReversed),
        }
    }
}

/// Each product once, by id, so that the same order is the same list however its lines are cut.
pub(crate) fn merged(items: impl IntoIterator<Item = ReserveItem>) -> Vec<ReserveItem> {
    let mut quantities: BTreeMap<ProductId, u32> = BTreeMap::new();
    for item in items {
        let quantity = quantities.entry(item.product_id).or_default();
        *quantity = quantity.saturating_add(item.quantity);
    }
    quantities
        .into_iter()
        .map(|(product_id, quantity)| ReserveItem { product_id, quantity, options: Vec::new(), dispense_ml: None })
        .collect()
}

/// What `items` need, summed for each item of stock. A product without a line needs nothing.
pub(crate) fn needs(items: &[ReserveItem], lines: &[RecipeLine]) -> Needs {
    let mut needs = Needs::new();
    for item in items {
        for line in lines.iter().filter(|line| line.product_id == item.product_id) {
            let need = needs.entry(line.inventory_id).or_default();
            need.quantity = need.quantity.saturating_add(line.quantity.saturating_mul(i64::from(item.quantity)));
            need.product_ids.push(item.product_id);
        }
    }
    needs
}

/// How each item's numbers change when an order that occupied `before` occupies `after`, in id order.
pub(crate) fn difference(before: &Occupied, after: &Occupied) -> Vec<StockChange> {
    let mut changes: BTreeMap<InventoryId, (i64, i64)> = BTreeMap::new();
    for (occupied, sign) in [(before, -1), (after, 1)] {
        for (inventory_id, quantity) in &occupied.parts {
            let (on_hand, reserved) = changes.entry(*inventory_id).or_default();
            match occupied.effect {
                Effect::Held => *reserved += sign * quantity,
                Effect::Taken => *on_hand -= sign * quantity,
                Effect::None => {}
            }
        }
    }
    changes
        .into_iter()
        .filter(|(_, change)| *change != (0, 0))
        .map(|(inventory_id, (on_hand, reserved))| StockChange { inventory_id, on_hand, reserved })
        .collect()
}

/// Whether an item fell to its low level: it is there now, and was above it before it changed by `change`.
pub(crate) fn fell_low(on_hand: i64, change: i64, low_level: Option<i64>) -> bool {
    low_level.is_some_and(|level| on_hand <= level && on_hand - change > level)
}

/// What ran out, in words for the person who orders.
pub(crate) fn out_of_stock_detail(shortages: &[Shortage]) -> String {
    /// As many as a till shows without scrolling; the context has them all.
    const NAMED_MAX: usize = 5;
    let mut detail: Vec<String> = shortages.iter().take(NAMED_MAX).map(one_shortage).collect();
    if shortages.len() > NAMED_MAX {
        detail.push(format!("And {} more.", shortages.len() - NAMED_MAX));
    }
    detail.push("Take fewer or choose something else.".into());
    detail.join(" ")
}

fn one_shortage(shortage: &Shortage) -> String {
    let Shortage { name, unit, needed, available, .. } = shortage;
    match (*available, unit.as_str()) {
        (..=0, _) => format!("{name}: none left."),
        (_, "piece") => format!("{name}: {needed} wanted, {available} left."),
        _ => format!("{name}: {needed} {unit} wanted, {available} {unit} left."),
    }
}

#[cfg(test)]
mod tests {
    use contracts::time::Timestamp;

    use super::*;

    fn occupied(effect: Effect, parts: &[(InventoryId, i64)]) -> Occupied {
        Occupied { effect, parts: parts.iter().copied().collect() }
    }

    fn ids() -> (InventoryId, InventoryId) {
        (InventoryId::new(Timestamp(1)), InventoryId::new(Timestamp(2)))
    }

    #[test]
    fn paying_takes_off_the_shelf_what_was_held() {
        let (milk, _) = ids();
        let changes = difference(&occupied(Effect::Held, &[(milk, 200)]), &occupied(Effect::Taken, &[(milk, 200)]));
        assert_eq!(changes, [StockChange { inventory_id: milk, on_hand: -200, reserved: -200 }]);
        assert_eq!(changes[0].available(), 0);
        assert_eq!(changes[0].reason(), Some(MoveReason::Sale));
    }

    #[test]
    fn giving_up_a_paid_order_brings_back_what_it_took() {
        let (milk, _) = ids();
        let changes = difference(&occupied(Effect::Taken, &[(milk, 200)]), &Occupied::default());
        assert_eq!(changes, [StockChange { inventory_id: milk, on_hand: 200, reserved: 0 }]);
        assert_eq!(changes[0].reason(), Some(MoveReason::SaleReversed));
    }

    #[test]
    fn other_items_give_back_and_hold_in_one_step_and_in_id_order() {
        let (milk, cocoa) = ids();
        let before = occupied(Effect::Held, &[(milk, 200)]);
        let after = occupied(Effect::Held, &[(cocoa, 30), (milk, 150)]);
        let changes = difference(&before, &after);
        assert_eq!(
            changes,
            [
                StockChange { inventory_id: milk, on_hand: 0, reserved: -50 },
                StockChange { inventory_id: cocoa, on_hand: 0, reserved: 30 },
            ]
        );
        assert!(changes.iter().all(|change| change.reason().is_none()));
        assert_eq!(difference(&before, &before), []);
    }

    #[test]
    fn an_order_needs_its_recipes_times_its_quantities() {
        let (milk, beans) = ids();
        let (latte, flat_white, water) =
            (ProductId::new(Timestamp(1)), ProductId::new(Timestamp(2)), ProductId::new(Timestamp(3)));
        let line = |product_id, inventory_id, quantity| RecipeLine { product_id, inventory_id, quantity };
        let lines = [line(latte, milk, 200), line(latte, beans, 18), line(flat_white, milk, 120)];
        let ordered = [(latte, 2), (flat_white, 1), (latte, 1), (water, 4)];
        let items = merged(ordered.map(|(product_id, quantity)| ReserveItem {
            product_id,
            quantity,
            options: Vec::new(),
            dispense_ml: None,
        }));
        let needs = needs(&items, &lines);
        assert_eq!(needs.len(), 2);
        assert_eq!(needs[&milk], Need { quantity: 720, product_ids: vec![latte, flat_white] });
        assert_eq!(needs[&beans], Need { quantity: 54, product_ids: vec![latte] });
    }

    #[test]
    fn an_item_falls_low_once_until_it_is_above_its_level_again() {
        assert!(fell_low(10, -1, Some(10)));
        assert!(fell_low(3, -20, Some(10)));
        assert!(!fell_low(9, -1, Some(10)), "it was low before");
        assert!(!fell_low(11, -1, Some(10)), "it is not low yet");
        assert!(!fell_low(10, 5, Some(10)), "it is still low, but fuller");
        assert!(!fell_low(0, -1, None), "nobody asked to be told");
    }

    #[test]
    fn what_ran_out_is_said_in_plain_words() {
        let shortage = |name: &str, unit: &str, needed, available| Shortage {
            inventory_id: InventoryId::new(Timestamp(1)),
            name: name.into(),
            unit: unit.into(),
            needed,
            available,
            product_ids: Vec::new(),
        };
        assert_eq!(
            out_of_stock_detail(&[shortage("Croissant", "piece", 3, 1)]),
            "Croissant: 3 wanted, 1 left. Take fewer or choose something else."
        );
        assert_eq!(
            out_of_stock_detail(&[shortage("Milk", "ml", 400, 150), shortage("Cocoa", "g", 30, 0)]),
            "Milk: 400 ml wanted, 150 ml left. Cocoa: none left. Take fewer or choose something else."
        );
        let many = vec![shortage("Tea", "bag", 2, 1); 7];
        assert!(out_of_stock_detail(&many).ends_with("And 2 more. Take fewer or choose something else."));
    }
}
