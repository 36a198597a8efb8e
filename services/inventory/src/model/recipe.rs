//! What one unit of a product takes of the stock, with the options chosen.
//!
//! Owns the agreement of pump and keg: the part that takes what is dispensed takes exactly the cup's millilitres, and
//! no option can change it in another way than by the millilitres that it dispenses.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    ids::{InventoryId, OptionId, ProductId},
    inventory::{
        ItemQuantity, OptionRecipe, RECIPE_OPTIONS_MAX, RECIPE_PARTS_MAX, RECIPE_QUANTITY_MAX, RecipePart, WriteRecipe,
    },
    product::ProductCard,
};

use super::allocation::Quantities;

/// The recipe of each product that has one.
pub(crate) type Recipes = BTreeMap<ProductId, WriteRecipe>;

/// The recipe of a product that takes nothing.
pub(crate) fn empty_recipe() -> WriteRecipe {
    WriteRecipe { parts: Vec::new(), options: Vec::new() }
}

/// The recipe of a product that is counted as this item.
pub(crate) fn one_of(inventory_id: InventoryId) -> WriteRecipe {
    WriteRecipe {
        parts: vec![RecipePart { inventory_id, quantity: Some(1), takes_dispensed: false }],
        options: Vec::new(),
    }
}

/// What one unit takes of each item.
///
/// First the options add, then they take, never below zero; then they replace what is there. So a large drink with oat
/// milk takes the larger quantity of oat milk. If several options replace the same item, the first of the recipe does.
pub(crate) fn unit_needs(recipe: &WriteRecipe, options: &[OptionId], dispense_ml: Option<u32>) -> Quantities {
    let chosen: Vec<&OptionRecipe> =
        recipe.options.iter().filter(|option| options.contains(&option.option_id)).collect();
    let mut needs = Quantities::new();
    for part in &recipe.parts {
        let dispensed = dispense_ml.filter(|_| part.takes_dispensed).map(i64::from);
        add(&mut needs, part.inventory_id, dispensed.or(part.quantity).unwrap_or(0));
    }
    for ItemQuantity { inventory_id, quantity } in chosen.iter().flat_map(|option| &option.add) {
        add(&mut needs, *inventory_id, *quantity);
    }
    for ItemQuantity { inventory_id, quantity } in chosen.iter().flat_map(|option| &option.take) {
        add(&mut needs, *inventory_id, -quantity);
    }
    let mut replaced = Quantities::new();
    for (inventory_id, quantity) in needs.into_iter().filter(|(_, quantity)| *quantity > 0) {
        let mut replacements = chosen.iter().flat_map(|option| &option.replace);
        match replacements.find(|replacement| replacement.inventory_id == inventory_id) {
            Some(other) => add(&mut replaced, other.by_inventory_id, other.quantity.unwrap_or(quantity)),
            None => add(&mut replaced, inventory_id, quantity),
        }
    }
    replaced
}

fn add(quantities: &mut Quantities, inventory_id: InventoryId, quantity: i64) {
    let sum = quantities.entry(inventory_id).or_default();
    *sum = sum.saturating_add(quantity);
}

/// Every item that a recipe names, each once.
pub(crate) fn items_of_recipe(recipe: &WriteRecipe) -> Vec<InventoryId> {
    let parts = recipe.parts.iter().map(|part| part.inventory_id);
    let changes = recipe.options.iter().flat_map(items_of_option);
    parts.chain(changes).collect::<BTreeSet<_>>().into_iter().collect()
}

fn items_of_option(option: &OptionRecipe) -> impl Iterator<Item = InventoryId> {
    let quantities = option.add.iter().chain(&option.take).map(|item| item.inventory_id);
    quantities.chain(option.replace.iter().flat_map(|other| [other.inventory_id, other.by_inventory_id]))
}

/// Refuses a recipe that cannot be followed.
///
/// # Errors
/// What is wrong with it, as a sentence for the person who sent it.
pub(crate) fn check_recipe(recipe: &WriteRecipe) -> Result<(), String> {
    let WriteRecipe { parts, options } = recipe;
    if parts.len() > RECIPE_PARTS_MAX {
        return Err(format!("A recipe has at most {RECIPE_PARTS_MAX} parts, not {}. Leave some out.", parts.len()));
    }
    if options.len() > RECIPE_OPTIONS_MAX {
        return Err(format!(
            "A recipe has at most {RECIPE_OPTIONS_MAX} options, not {}. Leave out those that change nothing.",
            options.len()
        ));
    }
    for part in parts {
        check_part(part)?;
    }
    refuse_repeated(parts.iter().map(|part| part.inventory_id), "parts")?;
    if parts.iter().filter(|part| part.takes_dispensed).count() > 1 {
        return Err("Two parts have takesDispensed. One item is dispensed: give the other parts a quantity.".into());
    }
    for (index, option) in options.iter().enumerate() {
        let id = option.option_id;
        if options.iter().take(index).any(|earlier| earlier.option_id == id) {
            return Err(format!("The option {id} is in the recipe twice. Name it once, with all its changes."));
        }
        check_option(option)?;
    }
    check_dispensed_items(recipe)
}

fn check_part(part: &RecipePart) -> Result<(), String> {
    let id = part.inventory_id;
    match (part.quantity, part.takes_dispensed) {
        (Some(quantity), false) => check_quantity(id, quantity),
        (None, true) => Ok(()),
        (Some(_), true) => Err(format!(
            "The part {id} has a quantity and takesDispensed. Leave the quantity out: it is what the machine pours."
        )),
        (None, false) => Err(format!("The part {id} has no quantity. Give what one unit takes, or takesDispensed.")),
    }
}

fn check_quantity(id: InventoryId, quantity: i64) -> Result<(), String> {
    if (1..=RECIPE_QUANTITY_MAX).contains(&quantity) {
        return Ok(());
    }
    Err(format!(
        "One unit takes 1 to {RECIPE_QUANTITY_MAX} of an item, not {quantity} of {id}. Give another quantity, or leave \
         the item out."
    ))
}

fn check_option(option: &OptionRecipe) -> Result<(), String> {
    let OptionRecipe { option_id, add, take, replace } = option;
    let changes = add.len() + take.len() + replace.len();
    if !(1..=RECIPE_PARTS_MAX).contains(&changes) {
        return Err(format!(
            "The option {option_id} has {changes} changes. Give it 1 to {RECIPE_PARTS_MAX}, or leave it out of the recipe."
        ));
    }
    for ItemQuantity { inventory_id, quantity } in add.iter().chain(take) {
        check_quantity(*inventory_id, *quantity)?;
    }
    for other in replace {
        if let Some(quantity) = other.quantity {
            check_quantity(other.by_inventory_id, quantity)?;
        }
        if other.inventory_id == other.by_inventory_id {
            return Err(format!(
                "The option {option_id} replaces {} by itself. Name another item.",
                other.inventory_id
            ));
        }
    }
    refuse_repeated(add.iter().map(|item| item.inventory_id), "add")?;
    refuse_repeated(take.iter().map(|item| item.inventory_id), "take")?;
    refuse_repeated(replace.iter().map(|other| other.inventory_id), "replace")
}

fn refuse_repeated(ids: impl Iterator<Item = InventoryId>, field: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("The item {id} is twice in {field}. Name it once, with the sum."));
        }
    }
    Ok(())
}

/// The item that takes what is dispensed, and those that replace it, have no quantity of their own: otherwise the keg
/// would not be counted down by what the machine pours.
fn check_dispensed_items(recipe: &WriteRecipe) -> Result<(), String> {
    let Some(dispensed) = recipe.parts.iter().find(|part| part.takes_dispensed).map(|part| part.inventory_id) else {
        return Ok(());
    };
    let replacements = || recipe.options.iter().flat_map(|option| &option.replace);
    let replacing = replacements().filter(|other| other.inventory_id == dispensed).map(|other| other.by_inventory_id);
    let kegs: BTreeSet<InventoryId> = replacing.chain([dispensed]).collect();

    let quantities = recipe.options.iter().flat_map(|option| option.add.iter().chain(&option.take));
    let counted = recipe.parts.iter().filter(|part| !part.takes_dispensed).map(|part| part.inventory_id);
    let others = replacements().filter(|other| other.inventory_id != dispensed || other.quantity.is_some());
    let wrong = quantities
        .map(|item| item.inventory_id)
        .chain(counted)
        .chain(others.flat_map(|other| [other.inventory_id, other.by_inventory_id]))
        .find(|id| kegs.contains(id));
    match wrong {
        Some(id) => Err(format!(
            "The item {id} is dispensed: one unit takes exactly what the machine pours. Change the millilitres of the \
             product or of its option (dispenseMlDelta) instead of giving the item a quantity here."
        )),
        None => Ok(()),
    }
}

/// The first option of the recipe that the product does not have.
pub(crate) fn unknown_option(recipe: &WriteRecipe, card: &ProductCard) -> Option<OptionId> {
    let of_product: BTreeSet<OptionId> =
        card.option_groups.iter().flat_map(|group| &group.options).filter_map(|option| option.option_id).collect();
    recipe.options.iter().map(|option| option.option_id).find(|id| !of_product.contains(id))
}

/// Refuses a part that takes what is dispensed if no machine pours the product.
///
/// # Errors
/// What is wrong with it, as a sentence for the person who sent it.
pub(crate) fn check_dispensed_part(recipe: &WriteRecipe, card: &ProductCard) -> Result<(), String> {
    match recipe.parts.iter().find(|part| part.takes_dispensed) {
        Some(part) if !card.is_dispensable => Err(format!(
            "{} is not dispensable, so no machine pours the part {}. Give the part a quantity.",
            card.name, part.inventory_id
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use contracts::{inventory::ItemReplacement, time::Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn item(number: i64) -> InventoryId {
        format!("0192f0c1-2b3a-7c4d-8e5f-60718293a4{number:02}").parse().unwrap()
    }

    fn option_id(number: i64) -> OptionId {
        format!("0192f0c1-2b3a-7c4d-8e5f-60718293b4{number:02}").parse().unwrap()
    }

    const BEANS: i64 = 1;
    const MILK: i64 = 2;
    const OAT: i64 = 3;
    const KEG: i64 = 4;
    const CUP: i64 = 5;
    const LARGE_CUP: i64 = 6;

    fn part(number: i64, quantity: i64) -> RecipePart {
        RecipePart { inventory_id: item(number), quantity: Some(quantity), takes_dispensed: false }
    }

    fn dispensed(number: i64) -> RecipePart {
        RecipePart { inventory_id: item(number), quantity: None, takes_dispensed: true }
    }

    fn of(number: i64, quantity: i64) -> ItemQuantity {
        ItemQuantity { inventory_id: item(number), quantity }
    }

    fn by(number: i64, by: i64, quantity: Option<i64>) -> ItemReplacement {
        ItemReplacement { inventory_id: item(number), by_inventory_id: item(by), quantity }
    }

    fn option(number: i64) -> OptionRecipe {
        OptionRecipe { option_id: option_id(number), add: Vec::new(), take: Vec::new(), replace: Vec::new() }
    }

    /// 1: large. 2: oat milk. 3: an extra shot. 4: less milk.
    fn latte() -> WriteRecipe {
        let large = OptionRecipe { add: vec![of(MILK, 100)], replace: vec![by(CUP, LARGE_CUP, None)], ..option(1) };
        let oat = OptionRecipe { replace: vec![by(MILK, OAT, None)], ..option(2) };
        let shot = OptionRecipe { add: vec![of(BEANS, 9)], ..option(3) };
        let less = OptionRecipe { take: vec![of(MILK, 250)], ..option(4) };
        WriteRecipe {
            parts: vec![part(BEANS, 18), part(MILK, 200), part(CUP, 1)],
            options: vec![large, oat, shot, less],
        }
    }

    fn latte_with(options: &[i64]) -> Vec<(i64, i64)> {
        let options: Vec<OptionId> = options.iter().map(|number| option_id(*number)).collect();
        let needs = unit_needs(&latte(), &options, None);
        (1..=6).filter_map(|number| needs.get(&item(number)).map(|quantity| (number, *quantity))).collect()
    }

    #[test]
    fn options_add_to_the_recipe_take_from_it_and_replace_its_items() {
        assert_eq!(check_recipe(&latte()), Ok(()));
        assert_eq!(latte_with(&[]), [(BEANS, 18), (MILK, 200), (CUP, 1)]);
        assert_eq!(latte_with(&[1]), [(BEANS, 18), (MILK, 300), (LARGE_CUP, 1)]);
        assert_eq!(latte_with(&[2]), [(BEANS, 18), (OAT, 200), (CUP, 1)]);
        assert_eq!(latte_with(&[3]), [(BEANS, 27), (MILK, 200), (CUP, 1)]);
        assert_eq!(latte_with(&[3, 2, 1]), [(BEANS, 27), (OAT, 300), (LARGE_CUP, 1)]);
    }

    #[test]
    fn an_option_never_takes_more_than_there_is() {
        assert_eq!(latte_with(&[4]), [(BEANS, 18), (CUP, 1)]);
        assert_eq!(latte_with(&[4, 1]), [(BEANS, 18), (MILK, 50), (LARGE_CUP, 1)]);
        let black = OptionRecipe { take: vec![of(MILK, 200)], ..option(1) };
        let black = WriteRecipe { options: vec![black], ..latte() };
        assert!(!unit_needs(&black, &[option_id(1)], None).contains_key(&item(MILK)), "exactly all of it");
        assert_eq!(latte_with(&[4, 2]), [(BEANS, 18), (CUP, 1)], "there is no milk to replace");
    }

    #[test]
    fn a_keg_loses_exactly_what_the_machine_pours() {
        let large = OptionRecipe { replace: vec![by(CUP, LARGE_CUP, None)], ..option(1) };
        let cold_brew = WriteRecipe { parts: vec![dispensed(KEG), part(CUP, 1)], options: vec![large] };
        assert_eq!(check_recipe(&cold_brew), Ok(()));
        for ml in [6, 240, 360, 1_800] {
            assert_eq!(unit_needs(&cold_brew, &[option_id(1)], Some(ml))[&item(KEG)], i64::from(ml));
        }
        assert_eq!(unit_needs(&cold_brew, &[], None).get(&item(KEG)), None, "no machine pours it any more");
    }

    #[test]
    fn a_recipe_names_each_item_once_with_at_least_one_of_it() {
        let recipe = |parts: Vec<RecipePart>| check_recipe(&WriteRecipe { parts, options: Vec::new() });
        assert_eq!(recipe(Vec::new()), Ok(()));
        assert_eq!(recipe((1..=32).map(|number| part(number, 1)).collect()), Ok(()));
        assert!(recipe((1..=33).map(|number| part(number, 1)).collect()).is_err());
        assert_eq!(recipe(vec![part(1, RECIPE_QUANTITY_MAX), dispensed(KEG)]), Ok(()));
        for parts in [
            vec![part(1, 0)],
            vec![part(1, RECIPE_QUANTITY_MAX + 1)],
            vec![part(1, 1), part(1, 1)],
            vec![RecipePart { quantity: Some(240), ..dispensed(KEG) }],
            vec![RecipePart { quantity: None, ..part(1, 1) }],
            vec![dispensed(KEG), dispensed(BEANS)],
        ] {
            assert!(recipe(parts.clone()).is_err(), "{parts:?}");
        }
    }

    #[test]
    fn an_option_that_changes_nothing_or_something_twice_is_refused() {
        for wrong in [
            option(1),
            OptionRecipe { add: vec![of(MILK, 0)], ..option(1) },
            OptionRecipe { add: vec![of(MILK, 1), of(MILK, 1)], ..option(1) },
            OptionRecipe { take: vec![of(MILK, -1)], ..option(1) },
            OptionRecipe { replace: vec![by(MILK, MILK, None)], ..option(1) },
            OptionRecipe { replace: vec![by(MILK, OAT, Some(0))], ..option(1) },
            OptionRecipe { replace: vec![by(MILK, OAT, None), by(MILK, BEANS, None)], ..option(1) },
        ] {
            let recipe = WriteRecipe { options: vec![wrong.clone()], ..latte() };
            assert!(check_recipe(&recipe).is_err(), "{wrong:?}");
        }
        let shot = OptionRecipe { add: vec![of(BEANS, 9)], ..option(3) };
        assert!(check_recipe(&WriteRecipe { options: vec![shot.clone(), shot], ..latte() }).is_err());
    }

    #[test]
    fn a_recipe_has_as_many_options_as_a_product_and_an_option_32_changes() {
        let adding = |items: i64| OptionRecipe { add: (1..=items).map(|number| of(number, 1)).collect(), ..option(1) };
        let recipe = |options: Vec<OptionRecipe>| check_recipe(&WriteRecipe { options, ..latte() });
        assert_eq!(recipe(vec![adding(32)]), Ok(()));
        assert!(recipe(vec![adding(33)]).is_err());
        let other_option = |_| OptionRecipe { option_id: OptionId::new(Timestamp(1)), ..adding(1) };
        assert_eq!(recipe((0..512).map(other_option).collect()), Ok(()));
        assert!(recipe((0..513).map(other_option).collect()).is_err());
    }

    #[test]
    fn every_item_of_a_recipe_is_named_once() {
        let named = [BEANS, MILK, OAT, CUP, LARGE_CUP].map(item);
        assert_eq!(items_of_recipe(&latte()), named);
    }

    #[test]
    fn of_two_options_that_replace_one_item_the_first_of_the_recipe_does() {
        let oat = OptionRecipe { replace: vec![by(MILK, OAT, Some(150))], ..option(1) };
        let water = OptionRecipe { replace: vec![by(MILK, CUP, None)], ..option(2) };
        let recipe = WriteRecipe { parts: vec![part(MILK, 200)], options: vec![oat, water] };
        let needs = unit_needs(&recipe, &[option_id(2), option_id(1)], None);
        assert_eq!(needs, Quantities::from([(item(OAT), 150)]));
    }

    #[test]
    fn an_option_changes_a_keg_only_by_the_millilitres_that_it_pours() {
        for wrong in [
            OptionRecipe { add: vec![of(KEG, 120)], ..option(1) },
            OptionRecipe { take: vec![of(KEG, 120)], ..option(1) },
            OptionRecipe { replace: vec![by(KEG, MILK, Some(120))], ..option(1) },
            OptionRecipe { replace: vec![by(CUP, KEG, None)], ..option(1) },
            OptionRecipe { replace: vec![by(KEG, CUP, None)], ..option(1) },
        ] {
            let recipe = WriteRecipe { parts: vec![dispensed(KEG), part(CUP, 1)], options: vec![wrong.clone()] };
            let refusal = check_recipe(&recipe).unwrap_err();
            assert!(refusal.contains("dispenseMlDelta"), "{wrong:?}: {refusal}");
        }
        let decaf = OptionRecipe { replace: vec![by(KEG, MILK, None)], ..option(1) };
        assert_eq!(check_recipe(&WriteRecipe { parts: vec![dispensed(KEG)], options: vec![decaf] }), Ok(()));
    }

    fn any_quantities() -> impl Strategy<Value = Vec<ItemQuantity>> {
        prop::collection::vec((1..=6_i64, 1..=400_i64).prop_map(|(number, quantity)| of(number, quantity)), 0..3)
    }

    fn any_option(number: i64) -> impl Strategy<Value = OptionRecipe> {
        let replace = (1..=6_i64, 1..=6_i64, prop::option::of(1..=400_i64));
        let replace =
            prop::collection::vec(replace.prop_map(|(number, other, quantity)| by(number, other, quantity)), 0..3);
        (any_quantities(), any_quantities(), replace).prop_map(move |(add, take, replace)| OptionRecipe {
            add,
            take,
            replace,
            ..option(number)
        })
    }

    proptest! {
        /// Whatever recipe is accepted and whatever is chosen: nothing is negative, and what leaves the kegs is what
        /// the machine pours.
        #[test]
        fn every_accepted_recipe_takes_from_its_kegs_what_is_poured(
            options in (any_option(1), any_option(2), any_option(3)),
            chosen in prop::sample::subsequence(vec![1, 2, 3], 0..=3),
            dispense_ml in 6..=1_800_u32,
        ) {
            let options: Vec<OptionRecipe> = [options.0, options.1, options.2].into();
            let candidates = options.into_iter().filter(|option| {
                let alone = WriteRecipe { parts: vec![dispensed(KEG), part(CUP, 1)], options: vec![option.clone()] };
                check_recipe(&alone).is_ok()
            });
            let recipe = WriteRecipe { parts: vec![dispensed(KEG), part(CUP, 1)], options: candidates.collect() };
            prop_assume!(check_recipe(&recipe).is_ok());
            let chosen: Vec<OptionId> = chosen.into_iter().map(option_id).collect();
            let needs = unit_needs(&recipe, &chosen, Some(dispense_ml));
            prop_assert!(needs.values().all(|quantity| *quantity > 0));
            let replacing = recipe.options.iter().flat_map(|option| &option.replace);
            let replacing = replacing.filter(|other| other.inventory_id == item(KEG)).map(|other| other.by_inventory_id);
            let kegs: BTreeSet<InventoryId> = replacing.chain([item(KEG)]).collect();
            let poured: i64 = kegs.iter().filter_map(|keg| needs.get(keg)).sum();
            prop_assert_eq!(poured, i64::from(dispense_ml));
        }
    }

    #[test]
    fn a_recipe_belongs_to_its_product() {
        let mut card = testkit::product_card("Latte", 28_000);
        assert_eq!(unknown_option(&latte(), &card), Some(option_id(1)));
        let keg = WriteRecipe { parts: vec![dispensed(KEG)], options: Vec::new() };
        assert!(check_dispensed_part(&keg, &card).is_err());
        (card.is_dispensable, card.dispense_ml) = (true, Some(240));
        assert_eq!(check_dispensed_part(&keg, &card), Ok(()));
        assert_eq!(unknown_option(&keg, &card), None);
    }
}
