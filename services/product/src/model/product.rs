//! What may be a product.

use contracts::{
    ids::CategoryId,
    money::{Amount, Money},
    product::{DESCRIPTION_CHARS_MAX, DISPENSE_ML_MAX, DISPENSE_ML_MIN, OptionGroup, WriteProduct},
    shop::ShopRules,
    text::{LineBreaks, is_readable},
    time::Timestamp,
};

use super::{InvalidMenu, PRICE_MINOR_MAX, check_name, options};

/// A product that may be on the menu: its names are trimmed, its price is money, its groups and options have ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedProduct {
    /// What the menu calls it.
    pub name: String,
    /// The menu's text about it.
    pub description: String,
    /// The category that it is in.
    pub category_id: CategoryId,
    /// The price of one, without options.
    pub price: Money,
    /// The name of its tax. `None`: the shop's first.
    pub tax_name: Option<String>,
    /// What a machine pours, in millilitres. `None`: no machine does.
    pub dispense_ml: Option<u32>,
    /// What the guest chooses.
    pub option_groups: Vec<OptionGroup>,
}

/// The product that `write` asks for, in the shop's currency. `now` is for the ids that it makes.
///
/// # Errors
/// [`InvalidMenu`] names the first wrong field, and what to do.
pub(crate) fn check_product(
    write: WriteProduct,
    shop: &ShopRules,
    now: Timestamp,
) -> Result<CheckedProduct, InvalidMenu> {
    let name = check_name("name", &write.name)?;
    let description = check_description(&write.description)?;
    let price = check_price(write.price, shop)?;
    let tax_name = check_tax(write.tax_name, shop)?;
    let dispense_ml = check_dispense_ml(write.is_dispensable, write.dispense_ml)?;
    let option_groups = options::check_groups(write.option_groups, shop, now)?;
    check_every_choice(price, dispense_ml, &option_groups, shop)?;
    Ok(CheckedProduct {
        name,
        description,
        category_id: write.category_id,
        price,
        tax_name,
        dispense_ml,
        option_groups,
    })
}

fn check_description(description: &str) -> Result<String, InvalidMenu> {
    let trimmed = description.trim();
    match trimmed.chars().count() {
        _ if !is_readable(trimmed, LineBreaks::Allowed) => Err(InvalidMenu::DescriptionControl),
        0..=DESCRIPTION_CHARS_MAX => Ok(trimmed.to_owned()),
        chars => Err(InvalidMenu::Description(chars)),
    }
}

fn check_price(price: Amount, shop: &ShopRules) -> Result<Money, InvalidMenu> {
    let price = options::shop_money("price", price, shop)?;
    if (0..=PRICE_MINOR_MAX).contains(&price.minor) { Ok(price) } else { Err(InvalidMenu::Price { price }) }
}

fn check_tax(tax_name: Option<String>, shop: &ShopRules) -> Result<Option<String>, InvalidMenu> {
    let Some(name) = tax_name else { return Ok(None) };
    if shop.tax_of(Some(&name)).is_some() {
        return Ok(Some(name));
    }
    let known: Vec<&str> = shop.settings().taxes.iter().map(|tax| tax.name.as_str()).collect();
    let known = if known.is_empty() { "none (the shop has no taxes)".to_owned() } else { known.join(" or ") };
    Err(InvalidMenu::Tax { name, known })
}

fn check_dispense_ml(is_dispensable: bool, dispense_ml: Option<u32>) -> Result<Option<u32>, InvalidMenu> {
    match (is_dispensable, dispense_ml) {
        (true, None) => Err(InvalidMenu::DispenseMlMissing),
        (true, Some(ml)) if !(DISPENSE_ML_MIN..=DISPENSE_ML_MAX).contains(&ml) => Err(InvalidMenu::DispenseMl(ml)),
        (true, Some(ml)) => Ok(Some(ml)),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(InvalidMenu::NotDispensable("dispenseMl".into())),
    }
}

/// Refuses options of which some choice makes an impossible price or cup.
fn check_every_choice(
    price: Money,
    dispense_ml: Option<u32>,
    groups: &[OptionGroup],
    shop: &ShopRules,
) -> Result<(), InvalidMenu> {
    let prices = options::range(groups, |option| options::price_delta_minor(option, shop));
    for extreme in [prices.start(), prices.end()] {
        let price = Money::new(price.minor.saturating_add(*extreme), price.currency);
        if !(0..=PRICE_MINOR_MAX).contains(&price.minor) {
            return Err(InvalidMenu::PriceWithOptions { price });
        }
    }
    let pours = options::range(groups, |option| i64::from(option.dispense_ml_delta));
    let Some(dispense_ml) = dispense_ml else { return options::refuse_ml_deltas(groups) };
    for extreme in [pours.start(), pours.end()] {
        let ml = i64::from(dispense_ml).saturating_add(*extreme);
        if !(i64::from(DISPENSE_ML_MIN)..=i64::from(DISPENSE_ML_MAX)).contains(&ml) {
            return Err(InvalidMenu::DispenseMlWithOptions(ml));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contracts::{money::Currency, shop::ShopSettings};
    use serde_json::{Value, json};

    use super::*;

    const CATEGORY: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";

    fn check(change: &Value) -> Result<CheckedProduct, String> {
        check_in(&ShopSettings::default(), change)
    }

    fn check_in(settings: &ShopSettings, change: &Value) -> Result<CheckedProduct, String> {
        let mut product = json!({"name": "Latte", "categoryId": CATEGORY, "price": 25000});
        for (field, value) in change.as_object().unwrap() {
            product[field] = value.clone();
        }
        let write = serde_json::from_str(&product.to_string()).unwrap();
        let shop = ShopRules::new(settings.clone()).unwrap();
        check_product(write, &shop, Timestamp(1)).map_err(|refusal| refusal.to_string())
    }

    fn refused(change: &Value, start: &str) {
        let refusal = check(change).unwrap_err();
        assert!(refusal.starts_with(start), "{change} was refused with: {refusal}");
    }

    #[test]
    fn a_description_may_have_line_breaks_and_no_other_control_character() {
        assert_eq!(check(&json!({"description": "Espresso\nand milk"})).unwrap().description, "Espresso\nand milk");
        refused(&json!({"description": "Espresso\0"}), "description has a control character");
    }

    #[test]
    fn a_price_is_zero_to_a_billion_in_the_shops_currency() {
        assert_eq!(check(&json!({"price": 0})).unwrap().price, Money::zero(Currency::IDR));
        assert!(check(&json!({"price": 1_000_000_000})).is_ok());
        refused(&json!({"price": -1}), "price is IDR -1: use 0 to IDR 1000000000");
        refused(&json!({"price": 1_000_000_001}), "price is IDR 1000000001");
        refused(&json!({"price": 25000.5}), "price: 25000.5 has more decimals than IDR has (0)");
        let (currency, cash_rounding) = ("USD".parse().unwrap(), "0.05".parse().unwrap());
        let dollars = ShopSettings { currency, cash_rounding, ..ShopSettings::default() };
        assert_eq!(check_in(&dollars, &json!({"price": 4.5})).unwrap().price.minor, 450);
    }

    #[test]
    fn a_tax_is_one_of_the_shops_or_left_out() {
        assert_eq!(check(&json!({"taxName": "PB1"})).unwrap().tax_name.as_deref(), Some("PB1"));
        assert_eq!(check(&json!({})).unwrap().tax_name, None);
        refused(&json!({"taxName": "VAT"}), "taxName \"VAT\" is not a tax of the shop: use PB1");
    }

    #[test]
    fn only_a_dispensable_product_has_millilitres() {
        assert_eq!(check(&json!({"isDispensable": true, "dispenseMl": 240})).unwrap().dispense_ml, Some(240));
        refused(&json!({"isDispensable": true}), "dispenseMl is missing");
        refused(&json!({"isDispensable": true, "dispenseMl": 5}), "dispenseMl is 5");
        refused(&json!({"isDispensable": true, "dispenseMl": 1801}), "dispenseMl is 1801");
        refused(&json!({"dispenseMl": 240}), "dispenseMl is for dispensable products");
        let group = json!([{"name": "Size", "minChoices": 1, "maxChoices": 1, "options": [{"name": "L", "dispenseMlDelta": 60}]}]);
        refused(&json!({"optionGroups": group}), "optionGroups[0].options[0].dispenseMlDelta is for dispensable");
    }

    #[test]
    fn no_choice_of_options_makes_a_negative_price() {
        let sizes = |min_choices: u32, delta: i64| {
            json!({"price": 5000, "optionGroups": [{"name": "Size", "minChoices": min_choices, "maxChoices": 1, "options": [
                {"name": "Small", "priceDelta": delta}, {"name": "Large", "priceDelta": 3000}]}]})
        };
        assert!(check(&sizes(1, -5000)).is_ok());
        refused(&sizes(1, -5001), "price: with some choice of options it becomes IDR -1");
        refused(&sizes(0, -5001), "price: with some choice of options it becomes IDR -1");
        refused(&sizes(1, -2_000_000_000), "optionGroups[0].options[0].priceDelta");
    }

    #[test]
    fn no_choice_of_options_pours_what_a_dispenser_refuses() {
        let cup = |ml: u32, delta: i32| {
            json!({"isDispensable": true, "dispenseMl": ml, "optionGroups": [{"name": "Size", "minChoices": 0, "maxChoices": 2,
                "options": [{"name": "A", "dispenseMlDelta": delta}, {"name": "B", "dispenseMlDelta": delta}]}]})
        };
        assert!(check(&cup(200, 800)).is_ok());
        assert!(check(&cup(206, -100)).is_ok());
        refused(&cup(201, 800), "dispenseMl: with some choice of options it becomes 1801");
        refused(&cup(205, -100), "dispenseMl: with some choice of options it becomes 5");
    }

    #[test]
    fn a_description_fits_a_screen() {
        assert_eq!(check(&json!({"description": " Milk and coffee. "})).unwrap().description, "Milk and coffee.");
        refused(&json!({"description": "x".repeat(1001)}), "description has 1001 characters");
    }
}
