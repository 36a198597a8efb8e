//! Checks what a person, or Order, sends: it is accepted in its normal form, or refused with what to change.

use contracts::{
    inventory::{
        AdjustStock, FindSoldOut, INVENTORY_NAME_CHARS_MAX, INVENTORY_UNIT_CHARS_MAX, MoveReason, ReserveStock,
        SOLD_OUT_ITEMS_MAX, STOCK_NOTE_CHARS_MAX, STOCK_QUANTITY_MAX, WriteInventory,
    },
    order::{ITEMS_MAX, QUANTITY_MAX},
    text::{self, LineBreaks},
};

/// The effect of a person's adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adjustment {
    /// Adds this; a negative number is taken.
    By(i64),
    /// Sets the quantity to this.
    To(i64),
}

/// The effect of an adjustment.
///
/// # Errors
/// What is wrong with it, as a sentence for the person who sent it.
pub(crate) fn check_adjustment(adjust: &AdjustStock) -> Result<Adjustment, String> {
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
            Err(format!("Only orders make a {}. Use RECEIVED, WASTE, COUNT or CORRECTION.", adjust.reason))
        }
    }
}

/// The note without spaces around it. `None`: it is empty.
pub(crate) fn trimmed_note(adjust: &AdjustStock) -> Option<&str> {
    adjust.note.as_deref().map(str::trim).filter(|note| !note.is_empty())
}

/// The item with its texts trimmed.
///
/// # Errors
/// What is wrong with it, as a sentence for the person who sent it.
pub(crate) fn check_item(mut item: WriteInventory) -> Result<WriteInventory, String> {
    item.name = check_text(&item.name, "name", INVENTORY_NAME_CHARS_MAX)?;
    item.unit = check_text(&item.unit, "unit", INVENTORY_UNIT_CHARS_MAX)?;
    if let Some(level) = item.low_level.filter(|level| !(0..=STOCK_QUANTITY_MAX).contains(level)) {
        return Err(format!(
            "lowLevel is from 0 to {STOCK_QUANTITY_MAX}, not {level}. Leave it out if nobody needs a notice."
        ));
    }
    Ok(item)
}

fn check_text(given: &str, field: &str, chars_max: usize) -> Result<String, String> {
    let trimmed = given.trim();
    if trimmed.is_empty() {
        return Err(format!("{field} is empty. Give it 1 to {chars_max} characters."));
    }
    text::check(field, trimmed, chars_max, LineBreaks::Forbidden).map_err(|error| format!("{error}."))?;
    Ok(trimmed.to_owned())
}

/// Refuses a reservation for an order that cannot be placed.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_reservation(request: &ReserveStock) -> Result<(), String> {
    if request.order_version < 1 {
        return Err(format!(
            "orderVersion is 1 or more, not {}. Send the version that the order will have.",
            request.order_version
        ));
    }
    if !(1..=ITEMS_MAX).contains(&request.items.len()) {
        return Err(format!(
            "An order has 1 to {ITEMS_MAX} lines, not {}. Split it into several orders.",
            request.items.len()
        ));
    }
    match request.items.iter().find(|item| !(1..=QUANTITY_MAX).contains(&item.quantity)) {
        Some(item) => Err(format!(
            "A quantity is from 1 to {QUANTITY_MAX}, not {}. Give another, or leave the line out.",
            item.quantity
        )),
        None => Ok(()),
    }
}

/// Refuses a question about more products than one request may have.
///
/// # Errors
/// How many are too many.
pub(crate) fn check_sold_out_request(request: &FindSoldOut) -> Result<(), String> {
    match request.items.len() {
        0..=SOLD_OUT_ITEMS_MAX => Ok(()),
        items => Err(format!("items has {items} products. Ask for at most {SOLD_OUT_ITEMS_MAX} at once.")),
    }
}

#[cfg(test)]
mod tests {
    use contracts::{
        ids::ProductId,
        inventory::{ReserveItem, StockoutPolicy},
        time::Timestamp,
    };

    use super::*;

    fn adjust(reason: MoveReason, quantity: i64) -> Result<Adjustment, String> {
        check_adjustment(&AdjustStock { reason, quantity, note: None })
    }

    #[test]
    fn a_delivery_adds_waste_takes_a_count_sets_and_a_correction_adds_or_takes() {
        assert_eq!(adjust(MoveReason::Received, 12), Ok(Adjustment::By(12)));
        assert_eq!(adjust(MoveReason::Waste, 12), Ok(Adjustment::By(-12)));
        assert_eq!(adjust(MoveReason::Count, 0), Ok(Adjustment::To(0)));
        assert_eq!(adjust(MoveReason::Correction, -3), Ok(Adjustment::By(-3)));
        assert_eq!(adjust(MoveReason::Correction, 3), Ok(Adjustment::By(3)));
    }

    #[test]
    fn a_quantity_without_a_meaning_is_refused() {
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
        let refusal = adjust(MoveReason::Correction, STOCK_QUANTITY_MAX + 1).unwrap_err();
        assert!(refusal.contains("from -1000000000 to 1000000000, not 1000000001"), "{refusal}");
    }

    #[test]
    fn a_note_fits_on_one_line_and_an_empty_one_is_none() {
        let with = |note: &str| AdjustStock { reason: MoveReason::Received, quantity: 1, note: Some(note.into()) };
        assert!(check_adjustment(&with(&"x".repeat(161))).is_err());
        assert!(check_adjustment(&with(&"x".repeat(160))).is_ok());
        assert_eq!(trimmed_note(&with("  ")), None);
        assert_eq!(trimmed_note(&with(" dropped ")), Some("dropped"));
    }

    #[test]
    fn an_item_has_a_name_a_unit_and_a_possible_low_level() {
        let good = WriteInventory {
            inventory_id: None,
            name: " Milk ".into(),
            unit: "ml".into(),
            product_id: None,
            policy: StockoutPolicy::Block,
            low_level: Some(0),
        };
        assert_eq!(check_item(good.clone()).unwrap().name, "Milk");
        for wrong in [
            WriteInventory { name: " ".into(), ..good.clone() },
            WriteInventory { name: "x".repeat(81), ..good.clone() },
            WriteInventory { unit: String::new(), ..good.clone() },
            WriteInventory { unit: "x".repeat(17), ..good.clone() },
            WriteInventory { low_level: Some(-1), ..good.clone() },
            WriteInventory { low_level: Some(STOCK_QUANTITY_MAX + 1), ..good },
        ] {
            assert!(check_item(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_reservation_for_an_impossible_order_is_refused() {
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
