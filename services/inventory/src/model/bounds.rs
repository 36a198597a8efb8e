//! What a person, or Order, may ask for: read into what it means, or refused with what to change.

use contracts::{
    inventory::{
        AdjustStock, MoveReason, RECIPE_PARTS_MAX, ReserveStock, STOCK_NOTE_CHARS_MAX, STOCK_QUANTITY_MAX,
        WriteInventory, WriteRecipe,
    },
    order::{ITEMS_MAX, QUANTITY_MAX},
    text::{self, LineBreaks},
};

/// What a shelf label can carry.
pub(crate) const NAME_CHARS_MAX: usize = 80;
/// "millilitres", with room to spare.
pub(crate) const UNIT_CHARS_MAX: usize = 16;
/// A tonne of grams in one cup; with the bounds of an order, sums stay far inside 64 bits.
pub(crate) const RECIPE_QUANTITY_MAX: i64 = 1_000_000;

/// What a person's adjustment does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adjustment {
    /// Adds this, or takes it where it is negative.
    By(i64),
    /// Makes it this.
    To(i64),
}

/// Reads an adjustment, or says what is wrong with it.
pub(crate) fn adjustment(adjust: &AdjustStock) -> Result<Adjustment, String> {
    const MAX: i64 = STOCK_QUANTITY_MAX;
    let quantity = adjust.quantity;
    let outside = |min: i64| {
        let reason = adjust.reason;
        Err(format!("{reason} takes a quantity from {min} to {MAX}, not {quantity}. Give another quantity."))
    };
    if let Some(note) = &adjust.note {
        text::check("note", note, STOCK_NOTE_CHARS_MAX, LineBreaks::Forbidden).map_err(|error| format!("{error}."))?;
    }
    match adjust.reason {
        MoveReason::Received if (1..=MAX).contains(&quantity) => Ok(Adjustment::By(quantity)),
        MoveReason::Waste if (1..=MAX).contains(&quantity) => Ok(Adjustment::By(-quantity)),
        MoveReason::Received | MoveReason::Waste => outside(1),
        MoveReason::Count if (0..=MAX).contains(&quantity) => Ok(Adjustment::To(quantity)),
        MoveReason::Count => outside(0),
        MoveReason::Correction if quantity == 0 => {
            Err("A CORRECTION of 0 corrects nothing. Give what to add, or what to take as a negative number.".into())
        }
        MoveReason::Correction if (-MAX..=MAX).contains(&quantity) => Ok(Adjustment::By(quantity)),
        MoveReason::Correction => outside(-MAX),
        MoveReason::Sale | MoveReason::SaleReversed => {
            Err(format!("{} is what orders do. Use RECEIVED, WASTE, COUNT or CORRECTION.", adjust.reason))
        }
    }
}

/// A note worth keeping.
pub(crate) fn note(adjust: &AdjustStock) -> Option<&str> {
    adjust.note.as_deref().map(str::trim).filter(|note| !note.is_empty())
}

/// An item as it is kept: trimmed and inside its bounds, or what is wrong with it.
pub(crate) fn item(mut item: WriteInventory) -> Result<WriteInventory, String> {
    item.name = written(&item.name, "name", NAME_CHARS_MAX)?;
    item.unit = written(&item.unit, "unit", UNIT_CHARS_MAX)?;
    if let Some(level) = item.low_level.filter(|level| !(0..=STOCK_QUANTITY_MAX).contains(level)) {
        return Err(format!(
            "lowLevel is from 0 to {STOCK_QUANTITY_MAX}, not {level}. Leave it out where nobody needs to be told."
        ));
    }
    Ok(item)
}

fn written(given: &str, field: &str, chars_max: usize) -> Result<String, String> {
    let trimmed = given.trim();
    if trimmed.is_empty() {
        return Err(format!("{field} is empty. Give it 1 to {chars_max} characters."));
    }
    text::check(field, trimmed, chars_max, LineBreaks::Forbidden).map_err(|error| format!("{error}."))?;
    Ok(trimmed.to_owned())
}

/// Whether a recipe can be kept, or what is wrong with it.
pub(crate) fn check_recipe(recipe: &WriteRecipe) -> Result<(), String> {
    let parts = &recipe.parts;
    if parts.len() > RECIPE_PARTS_MAX {
        return Err(format!("A recipe has at most {RECIPE_PARTS_MAX} parts, not {}. Leave some out.", parts.len()));
    }
    for (index, part) in parts.iter().enumerate() {
        let id = part.inventory_id;
        if !(1..=RECIPE_QUANTITY_MAX).contains(&part.quantity) {
            let quantity = part.quantity;
            return Err(format!(
                "One unit takes 1 to {RECIPE_QUANTITY_MAX} of an item, not {quantity} of {id}. Give another quantity, \
                 or leave the item out."
            ));
        }
        if parts.iter().take(index).any(|earlier| earlier.inventory_id == id) {
            return Err(format!("The item {id} is in the recipe twice. Name it once, with the sum."));
        }
    }
    Ok(())
}

/// Whether a reservation is of an order that can be placed, or what is wrong with it.
pub(crate) fn check_reservation(asked: &ReserveStock) -> Result<(), String> {
    if asked.order_version < 1 {
        return Err(format!(
            "orderVersion is 1 or more, not {}. Send the version that the order will have.",
            asked.order_version
        ));
    }
    if !(1..=ITEMS_MAX).contains(&asked.items.len()) {
        return Err(format!(
            "An order has 1 to {ITEMS_MAX} lines, not {}. Split it into several orders.",
            asked.items.len()
        ));
    }
    match asked.items.iter().find(|item| !(1..=QUANTITY_MAX).contains(&item.quantity)) {
        Some(item) => Err(format!(
            "A quantity is from 1 to {QUANTITY_MAX}, not {}. Give another, or leave the line out.",
            item.quantity
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use contracts::{
        ids::{InventoryId, ProductId},
        inventory::{RecipePart, ReserveItem, StockoutPolicy},
        time::Timestamp,
    };

    use super::*;

    fn adjust(reason: MoveReason, quantity: i64) -> Result<Adjustment, String> {
        adjustment(&AdjustStock { reason, quantity, note: None })
    }

    #[test]
    fn a_delivery_adds_waste_takes_a_count_sets_and_a_correction_does_either() {
        assert_eq!(adjust(MoveReason::Received, 12), Ok(Adjustment::By(12)));
        assert_eq!(adjust(MoveReason::Waste, 12), Ok(Adjustment::By(-12)));
        assert_eq!(adjust(MoveReason::Count, 0), Ok(Adjustment::To(0)));
        assert_eq!(adjust(MoveReason::Correction, -3), Ok(Adjustment::By(-3)));
        assert_eq!(adjust(MoveReason::Correction, 3), Ok(Adjustment::By(3)));
    }

    #[test]
    fn a_quantity_that_means_nothing_is_refused() {
        for (reason, quantity) in [
            (MoveReason::Received, 0),
            (MoveReason::Received, STOCK_QUANTITY_MAX + 1),
            (MoveReason::Waste, -1),
            (MoveReason::Count, -1),
            (MoveReason::Correction, 0),
            (MoveReason::Correction, i64::MIN),
            (MoveReason::Sale, 1),
            (MoveReason::SaleReversed, 1),
        ] {
            assert!(adjust(reason, quantity).is_err(), "{reason:?} {quantity}");
        }
    }

    #[test]
    fn a_note_fits_on_a_line_and_an_empty_one_is_none() {
        let with = |note: &str| AdjustStock { reason: MoveReason::Received, quantity: 1, note: Some(note.into()) };
        assert!(adjustment(&with(&"x".repeat(161))).is_err());
        assert!(adjustment(&with(&"x".repeat(160))).is_ok());
        assert_eq!(note(&with("  ")), None);
        assert_eq!(note(&with(" dropped ")), Some("dropped"));
    }

    #[test]
    fn an_item_has_a_name_a_unit_and_a_level_that_can_be_reached() {
        let good = WriteInventory {
            inventory_id: None,
            name: " Milk ".into(),
            unit: "ml".into(),
            product_id: None,
            policy: StockoutPolicy::Block,
            low_level: Some(0),
        };
        assert_eq!(item(good.clone()).unwrap().name, "Milk");
        for wrong in [
            WriteInventory { name: " ".into(), ..good.clone() },
            WriteInventory { name: "x".repeat(81), ..good.clone() },
            WriteInventory { unit: String::new(), ..good.clone() },
            WriteInventory { unit: "x".repeat(17), ..good.clone() },
            WriteInventory { low_level: Some(-1), ..good.clone() },
            WriteInventory { low_level: Some(STOCK_QUANTITY_MAX + 1), ..good },
        ] {
            assert!(item(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_recipe_names_each_item_once_with_at_least_one_of_it() {
        let part = |quantity| RecipePart { inventory_id: InventoryId::new(Timestamp(1)), quantity };
        let check = |parts: Vec<RecipePart>| check_recipe(&WriteRecipe { parts });
        assert_eq!(check(Vec::new()), Ok(()));
        assert_eq!(check((1..=32).map(part).collect()), Ok(()));
        assert!(check((1..=33).map(part).collect()).is_err());
        assert!(check(vec![part(0)]).is_err());
        assert!(check(vec![part(RECIPE_QUANTITY_MAX + 1)]).is_err());
        let twice = part(1);
        assert!(check(vec![twice.clone(), twice]).is_err());
    }

    #[test]
    fn a_reservation_is_of_an_order_that_can_be_placed() {
        let line = |quantity| ReserveItem {
            product_id: ProductId::new(Timestamp(1)),
            quantity,
            options: Vec::new(),
            dispense_ml: None,
        };
        let check = |order_version, items| check_reservation(&ReserveStock { order_version, items });
        assert_eq!(check(1, vec![line(1)]), Ok(()));
        assert!(check(0, vec![line(1)]).is_err());
        assert!(check(1, Vec::new()).is_err());
        assert!(check(1, vec![line(1); 201]).is_err());
        assert!(check(1, vec![line(0)]).is_err());
        assert!(check(1, vec![line(1000)]).is_err());
    }
}
