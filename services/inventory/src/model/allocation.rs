//! What an order needs, what it holds or consumed of the stock, and how one allocation becomes another.

use std::collections::BTreeMap;

use contracts::{
    ids::{InventoryId, OptionId, ProductId},
    inventory::{MoveReason, ReserveItem, Shortage},
};
use strum::{EnumString, IntoStaticStr};

use super::recipe::{Recipes, unit_needs};

/// How much of each item an order holds or consumed.
pub(crate) type Quantities = BTreeMap<InventoryId, i64>;
/// What an order needs of each item, and which of its products need it.
pub(crate) type StockNeeds = BTreeMap<InventoryId, StockNeed>;

/// What an order needs of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StockNeed {
    pub(crate) quantity: i64,
    pub(crate) product_ids: Vec<ProductId>,
}

/// The effect of an order on the stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StockEffect {
    /// Its quantities are on the shelf, and no other order may have them.
    Held,
    /// Its quantities left the shelf.
    Consumed,
    /// None: it holds nothing and consumed nothing.
    #[default]
    None,
}

/// What an order holds or consumed, and how much of each item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allocation {
    pub(crate) effect: StockEffect,
    pub(crate) quantities: Quantities,
}

/// How one item's numbers change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StockChange {
    pub(crate) inventory_id: InventoryId,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

impl StockChange {
    /// How much more of the item is available to others; negative if less.
    pub(crate) const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    /// The reason in the ledger. `None`: nothing left the shelf or came back.
    pub(crate) const fn reason(&self) -> Option<MoveReason> {
        match self.on_hand {
            0 => None,
            ..0 => Some(MoveReason::Sale),
            1.. => Some(MoveReason::SaleReversed),
        }
    }
}

/// Each product once with the same options and millilitres, in their order, so that the same order is the same list
/// however its lines are split.
pub(crate) fn merge_items(items: impl IntoIterator<Item = ReserveItem>) -> Vec<ReserveItem> {
    let mut quantities: BTreeMap<(ProductId, Vec<OptionId>, Option<u32>), u32> = BTreeMap::new();
    for ReserveItem { product_id, quantity, mut options, dispense_ml } in items {
        options.sort_unstable();
        options.dedup();
        let sum = quantities.entry((product_id, options, dispense_ml)).or_default();
        *sum = sum.saturating_add(quantity);
    }
    let item =
        |((product_id, options, dispense_ml), quantity)| ReserveItem { product_id, quantity, options, dispense_ml };
    quantities.into_iter().map(item).collect()
}

/// What `items` need, summed for each item of stock. A product without a recipe needs nothing.
pub(crate) fn stock_needs(items: &[ReserveItem], recipes: &Recipes) -> StockNeeds {
    let mut needs = StockNeeds::new();
    for item in items {
        for (inventory_id, quantity) in needs_of(item, recipes) {
            let need = needs.entry(inventory_id).or_default();
            need.quantity = need.quantity.saturating_add(quantity);
            if !need.product_ids.contains(&item.product_id) {
                need.product_ids.push(item.product_id);
            }
        }
    }
    needs
}

fn needs_of(item: &ReserveItem, recipes: &Recipes) -> Quantities {
    let Some(recipe) = recipes.get(&item.product_id) else { return Quantities::new() };
    let mut needs = unit_needs(recipe, &item.options, item.dispense_ml);
    needs.values_mut().for_each(|quantity| *quantity = quantity.saturating_mul(i64::from(item.quantity)));
    needs
}

/// The products of `items` for which too little of a BLOCK item is available. `available` has the BLOCK items.
pub(crate) fn sold_out(
    items: &[ReserveItem],
    recipes: &Recipes,
    available: &BTreeMap<InventoryId, i64>,
) -> Vec<ProductId> {
    let is_short = |(id, needed): (InventoryId, i64)| available.get(&id).is_some_and(|available| *available < needed);
    let short = items.iter().filter(|item| needs_of(item, recipes).into_iter().any(is_short));
    short.map(|item| item.product_id).collect()
}

/// How each item's numbers change when an order's allocation changes from `before` to `after`, in id order.
pub(crate) fn difference(before: &Allocation, after: &Allocation) -> Vec<StockChange> {
    let mut changes: BTreeMap<InventoryId, (i64, i64)> = BTreeMap::new();
    for (allocation, sign) in [(before, -1), (after, 1)] {
        for (inventory_id, quantity) in &allocation.quantities {
            let (on_hand, reserved) = changes.entry(*inventory_id).or_default();
            match allocation.effect {
                StockEffect::Held => *reserved += sign * quantity,
                StockEffect::Consumed => *on_hand -= sign * quantity,
                StockEffect::None => {}
            }
        }
    }
    changes
        .into_iter()
        .filter(|(_, change)| *change != (0, 0))
        .map(|(inventory_id, (on_hand, reserved))| StockChange { inventory_id, on_hand, reserved })
        .collect()
}

/// Whether an item fell to its low level: it was above the level before it changed by `change`, and is not now.
pub(crate) fn crosses_low_level(on_hand: i64, change: i64, low_level: Option<i64>) -> bool {
    low_level.is_some_and(|level| on_hand <= level && on_hand - change > level)
}

/// What ran out, as a sentence for the person who orders.
pub(crate) fn out_of_stock_detail(shortages: &[Shortage]) -> String {
    /// As many as a tablet shows without scrolling; the context has them all.
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
    use contracts::{
        inventory::{ItemQuantity, OptionRecipe, WriteRecipe},
        time::Timestamp,
    };

    use super::*;
    use crate::model::one_of;

    fn allocation(effect: StockEffect, quantities: &[(InventoryId, i64)]) -> Allocation {
        Allocation { effect, quantities: quantities.iter().copied().collect() }
    }

    fn ids() -> (InventoryId, InventoryId) {
        (InventoryId::new(Timestamp(1)), InventoryId::new(Timestamp(2)))
    }

    #[test]
    fn payment_consumes_what_was_held() {
        let (milk, _) = ids();
        let changes = difference(
            &allocation(StockEffect::Held, &[(milk, 200)]),
            &allocation(StockEffect::Consumed, &[(milk, 200)]),
        );
        assert_eq!(changes, [StockChange { inventory_id: milk, on_hand: -200, reserved: -200 }]);
        assert_eq!(changes[0].available(), 0);
        assert_eq!(changes[0].reason(), Some(MoveReason::Sale));
    }

    #[test]
    fn cancelling_a_paid_order_returns_what_it_consumed() {
        let (milk, _) = ids();
        let changes = difference(&allocation(StockEffect::Consumed, &[(milk, 200)]), &Allocation::default());
        assert_eq!(changes, [StockChange { inventory_id: milk, on_hand: 200, reserved: 0 }]);
        assert_eq!(changes[0].reason(), Some(MoveReason::SaleReversed));
    }

    #[test]
    fn other_items_are_released_and_held_in_one_step_and_in_id_order() {
        let (milk, cocoa) = ids();
        let before = allocation(StockEffect::Held, &[(milk, 200)]);
        let after = allocation(StockEffect::Held, &[(cocoa, 30), (milk, 150)]);
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

    fn reserve(product_id: ProductId, quantity: u32, options: &[OptionId]) -> ReserveItem {
        ReserveItem { product_id, quantity, options: options.to_vec(), dispense_ml: None }
    }

    /// A latte of 200 ml of milk, 100 more if it is large, and a cake that is counted as itself.
    struct Menu {
        milk: InventoryId,
        cake_item: InventoryId,
        latte: ProductId,
        large: OptionId,
        cake: ProductId,
        recipes: Recipes,
    }

    fn menu() -> Menu {
        let (milk, cake_item) = ids();
        let (latte, cake) = (ProductId::new(Timestamp(1)), ProductId::new(Timestamp(2)));
        let large = OptionId::new(Timestamp(3));
        let add = vec![ItemQuantity { inventory_id: milk, quantity: 100 }];
        let options = vec![OptionRecipe { option_id: large, add, take: Vec::new(), replace: Vec::new() }];
        let mut recipe = one_of(milk);
        recipe.parts[0].quantity = Some(200);
        let recipes = Recipes::from([(latte, WriteRecipe { options, ..recipe }), (cake, one_of(cake_item))]);
        Menu { milk, cake_item, latte, large, cake, recipes }
    }

    #[test]
    fn an_order_needs_each_recipe_with_its_options_times_its_quantity() {
        let Menu { milk, cake_item, latte, large, cake, recipes } = menu();
        let water = ProductId::new(Timestamp(9));
        let ordered =
            [reserve(latte, 2, &[]), reserve(cake, 3, &[]), reserve(latte, 1, &[large]), reserve(water, 4, &[])];
        let items = merge_items(ordered);
        assert_eq!(items.len(), 4);
        let needs = stock_needs(&items, &recipes);
        assert_eq!(needs.len(), 2);
        assert_eq!(needs[&milk], StockNeed { quantity: 700, product_ids: vec![latte] });
        assert_eq!(needs[&cake_item], StockNeed { quantity: 3, product_ids: vec![cake] });
    }

    #[test]
    fn the_same_order_is_the_same_list_however_its_lines_are_split() {
        let Menu { latte, large, cake, .. } = menu();
        let other = OptionId::new(Timestamp(4));
        let one = merge_items([reserve(latte, 2, &[large, other]), reserve(cake, 1, &[])]);
        let two = merge_items([
            reserve(cake, 1, &[]),
            reserve(latte, 1, &[other, large]),
            reserve(latte, 1, &[large, other]),
        ]);
        assert_eq!(one, two);
    }

    #[test]
    fn a_product_is_sold_out_if_a_blocking_item_has_too_little_for_one() {
        let Menu { milk, cake_item, latte, large, cake, recipes } = menu();
        let items = [reserve(latte, 1, &[large]), reserve(cake, 1, &[])];
        let sold_out =
            |available: &[(InventoryId, i64)]| sold_out(&items, &recipes, &available.iter().copied().collect());
        assert_eq!(sold_out(&[(milk, 300), (cake_item, 1)]), []);
        assert_eq!(sold_out(&[(milk, 299), (cake_item, 1)]), [latte]);
        assert_eq!(sold_out(&[(milk, 0), (cake_item, -2)]), [latte, cake]);
        assert_eq!(sold_out(&[]), [], "nothing blocks");
    }

    #[test]
    fn an_item_falls_low_once_until_it_rises_above_its_level() {
        assert!(crosses_low_level(10, -1, Some(10)));
        assert!(crosses_low_level(3, -20, Some(10)));
        assert!(!crosses_low_level(9, -1, Some(10)), "it was low before");
        assert!(!crosses_low_level(11, -1, Some(10)), "it is not low yet");
        assert!(!crosses_low_level(10, 5, Some(10)), "it is still low, but fuller");
        assert!(!crosses_low_level(0, -1, None), "it has no low level");
    }

    #[test]
    fn a_refusal_names_what_ran_out() {
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
        let five = vec![shortage("Tea", "bag", 2, 1); 5];
        assert!(!out_of_stock_detail(&five).contains("more"));
        let many = vec![shortage("Tea", "bag", 2, 1); 7];
        assert!(out_of_stock_detail(&many).ends_with("And 2 more. Take fewer or choose something else."));
    }
}
