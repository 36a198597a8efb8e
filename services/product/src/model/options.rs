//! The options of a product, and what every legal choice of them adds to it.

use std::{collections::HashSet, ops::RangeInclusive};

use contracts::{
    ids::Id,
    money::{Amount, Money},
    product::{OPTION_GROUPS_MAX, OPTIONS_PER_GROUP_MAX, OptionGroup, ProductOption},
    shop::ShopRules,
    time::Timestamp,
};

use super::{InvalidMenu, PRICE_MINOR_MAX, check_name};

/// `amount` as money of the shop.
pub(super) fn shop_money(field: &str, amount: Amount, shop: &ShopRules) -> Result<Money, InvalidMenu> {
    /// A usual price.
    const EXAMPLE_MINOR: i64 = 25_000;
    amount.money(shop.currency()).map_err(|error| InvalidMenu::Amount {
        field: field.to_owned(),
        reason: error.to_string(),
        example: Money::new(EXAMPLE_MINOR, shop.currency()),
    })
}

/// The groups with their names trimmed, and with new ids for those without one.
///
/// # Errors
/// [`InvalidMenu`] names the first wrong field.
pub(super) fn check_groups(
    groups: Vec<OptionGroup>,
    shop: &ShopRules,
    now: Timestamp,
) -> Result<Vec<OptionGroup>, InvalidMenu> {
    if groups.len() > OPTION_GROUPS_MAX {
        return Err(InvalidMenu::TooManyGroups(groups.len()));
    }
    let mut group_names = Unique::default();
    let mut group_ids = Unique::default();
    let mut option_ids = Unique::default();
    groups
        .into_iter()
        .enumerate()
        .map(|(index, group)| {
            let field = format!("optionGroups[{index}]");
            let name = group_names.name(&format!("{field}.name"), &group.name)?;
            let group_id = group_ids.id(&format!("{field}.groupId"), group.group_id, now)?;
            check_bounds(&field, &group)?;
            let options = check_options(&field, group.options, &mut option_ids, shop, now)?;
            Ok(OptionGroup { group_id: Some(group_id), name, options, ..group })
        })
        .collect()
}

fn check_bounds(field: &str, group: &OptionGroup) -> Result<(), InvalidMenu> {
    let OptionGroup { min_choices, max_choices, .. } = *group;
    let options = group.options.len();
    if !(1..=OPTIONS_PER_GROUP_MAX).contains(&options) {
        return Err(InvalidMenu::OptionCount { field: format!("{field}.options"), found: options });
    }
    let fits = usize::try_from(max_choices).is_ok_and(|max| (1..=options).contains(&max));
    if !fits || min_choices > max_choices {
        return Err(InvalidMenu::Bounds { field: field.to_owned(), min_choices, max_choices, options });
    }
    Ok(())
}

fn check_options(
    group: &str,
    options: Vec<ProductOption>,
    ids: &mut Unique,
    shop: &ShopRules,
    now: Timestamp,
) -> Result<Vec<ProductOption>, InvalidMenu> {
    let mut names = Unique::default();
    options
        .into_iter()
        .enumerate()
        .map(|(index, option)| {
            let field = format!("{group}.options[{index}]");
            let name = names.name(&format!("{field}.name"), &option.name)?;
            let option_id = ids.id(&format!("{field}.optionId"), option.option_id, now)?;
            check_price_delta(&format!("{field}.priceDelta"), option.price_delta, shop)?;
            Ok(ProductOption { option_id: Some(option_id), name, ..option })
        })
        .collect()
}

/// Bounded by itself, so that sums of deltas cannot overflow.
fn check_price_delta(field: &str, delta: Amount, shop: &ShopRules) -> Result<(), InvalidMenu> {
    let money = shop_money(field, delta, shop)?;
    if (-PRICE_MINOR_MAX..=PRICE_MINOR_MAX).contains(&money.minor) {
        return Ok(());
    }
    Err(InvalidMenu::Amount {
        field: field.to_owned(),
        reason: format!("{money} is more than any price"),
        example: Money::new(0, money.currency),
    })
}

/// What a checked option adds to the price, in minor units.
pub(super) fn price_delta_minor(option: &ProductOption, shop: &ShopRules) -> i64 {
    option.price_delta.money(shop.currency()).map_or(0, |money| money.minor)
}

/// Refuses options that change the millilitres of a product that no machine pours.
pub(super) fn refuse_ml_deltas(groups: &[OptionGroup]) -> Result<(), InvalidMenu> {
    for (group_index, group) in groups.iter().enumerate() {
        if let Some(index) = group.options.iter().position(|option| option.dispense_ml_delta != 0) {
            let field = format!("optionGroups[{group_index}].options[{index}].dispenseMlDelta");
            return Err(InvalidMenu::NotDispensable(field));
        }
    }
    Ok(())
}

/// The smallest and the largest sum of a legal choice: of each group at least `min_choices` and at most `max_choices`
/// options, each once.
pub(super) fn range(groups: &[OptionGroup], delta: impl Fn(&ProductOption) -> i64) -> RangeInclusive<i64> {
    let mut range = (0_i64, 0_i64);
    for group in groups {
        let mut deltas: Vec<i64> = group.options.iter().map(&delta).collect();
        deltas.sort_unstable();
        range.0 = range.0.saturating_add(min_sum(group, deltas.iter().copied()));
        range.1 = range.1.saturating_sub(min_sum(group, deltas.iter().rev().map(|each| each.saturating_neg())));
    }
    range.0..=range.1
}

/// The smallest sum of a legal choice from `ascending`: what must be chosen, then whatever still makes it smaller.
fn min_sum(group: &OptionGroup, ascending: impl Iterator<Item = i64>) -> i64 {
    let chosen = ascending
        .zip(1_u32..)
        .take_while(|(each, count)| count <= &group.min_choices || (*each < 0 && count <= &group.max_choices));
    chosen.fold(0, |sum, (each, _)| sum.saturating_add(each))
}

/// Refuses a name or an id that it has seen before.
#[derive(Default)]
struct Unique(HashSet<String>);

impl Unique {
    /// A checked name that differs from the others in more than case: otherwise two would look alike on a receipt.
    fn name(&mut self, field: &str, name: &str) -> Result<String, InvalidMenu> {
        let name = check_name(field, name)?;
        if self.0.insert(name.to_lowercase()) {
            return Ok(name);
        }
        Err(InvalidMenu::NameTwice { field: field.to_owned(), name })
    }

    /// The id that was given, or a new one.
    fn id<Of>(&mut self, field: &str, given: Option<Id<Of>>, now: Timestamp) -> Result<Id<Of>, InvalidMenu> {
        let id = given.unwrap_or_else(|| Id::new(now));
        if self.0.insert(id.to_string()) {
            return Ok(id);
        }
        Err(InvalidMenu::IdTwice { field: field.to_owned(), id: id.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use contracts::{ids::OptionId, shop::ShopSettings};
    use serde_json::{Value, json};

    use super::*;

    fn check(groups: &Value) -> Result<Vec<OptionGroup>, String> {
        let groups = serde_json::from_str(&groups.to_string()).unwrap();
        let shop = ShopRules::new(ShopSettings::default()).unwrap();
        check_groups(groups, &shop, Timestamp(1)).map_err(|refusal| refusal.to_string())
    }

    fn refused(groups: &Value, start: &str) {
        let refusal = check(groups).unwrap_err();
        assert!(refusal.starts_with(start), "{groups} was refused with: {refusal}");
    }

    fn milk(min_choices: u32, max_choices: u32, names: &[&str]) -> Value {
        let options: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"name": "Milk", "minChoices": min_choices, "maxChoices": max_choices, "options": options})
    }

    #[test]
    fn given_ids_are_kept_and_missing_ones_are_made() {
        let known = OptionId::new(Timestamp(7));
        let group = json!([{"name": "Milk", "minChoices": 0, "maxChoices": 1,
            "options": [{"name": "Oat", "optionId": known.to_string()}, {"name": "Soy"}]}]);
        let groups = check(&group).unwrap();
        assert_eq!(groups[0].options[0].option_id, Some(known));
        assert!(groups[0].options[1].option_id.is_some_and(|made| made != known));
        assert!(groups[0].group_id.is_some());
    }

    #[test]
    fn an_id_belongs_to_one_option_of_the_product() {
        let id = OptionId::new(Timestamp(7)).to_string();
        let group = |name: &str| json!({"name": name, "minChoices": 0, "maxChoices": 1, "options": [{"name": "Oat", "optionId": id}]});
        refused(&json!([group("Milk"), group("Foam")]), "optionGroups[1].options[0].optionId: the id");
    }

    #[test]
    fn names_within_a_product_and_within_a_group_differ() {
        refused(&json!([milk(0, 1, &["Oat"]), milk(0, 1, &["Soy"])]), "optionGroups[1].name: \"Milk\" is there twice");
        refused(&json!([milk(0, 1, &["Oat", " oat "])]), "optionGroups[0].options[1].name: \"oat\" is there twice");
    }

    #[test]
    fn a_guest_can_make_the_choice_that_a_group_requires() {
        assert!(check(&json!([milk(2, 2, &["Oat", "Soy"])])).is_ok());
        refused(&json!([milk(0, 0, &["Oat"])]), "optionGroups[0]: minChoices is 0 and maxChoices is 0 of 1 options");
        refused(&json!([milk(2, 1, &["Oat", "Soy"])]), "optionGroups[0]: minChoices is 2 and maxChoices is 1");
        refused(&json!([milk(0, 3, &["Oat", "Soy"])]), "optionGroups[0]: minChoices is 0 and maxChoices is 3");
        refused(&json!([milk(0, 1, &[])]), "optionGroups[0].options has 0 options");
    }

    #[test]
    fn the_numbers_of_groups_and_options_are_bounded() {
        let many: Vec<String> = (0..=OPTIONS_PER_GROUP_MAX).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        refused(&json!([milk(0, 1, &many)]), "optionGroups[0].options has 33 options");
        refused(&json!(vec![milk(0, 1, &["Oat"]); OPTION_GROUPS_MAX + 1]), "optionGroups has 17 groups");
    }

    #[test]
    fn a_product_may_have_as_many_groups_as_are_allowed() {
        let group = |number: usize| json!({"name": format!("Group {number}"), "minChoices": 0, "maxChoices": 1, "options": [{"name": "Oat"}]});
        let groups: Vec<Value> = (0..OPTION_GROUPS_MAX).map(group).collect();
        assert_eq!(check(&json!(groups)).unwrap().len(), OPTION_GROUPS_MAX);
    }

    #[test]
    fn names_are_kept_without_the_spaces_around_them() {
        let groups = json!([{"name": " Milk ", "minChoices": 0, "maxChoices": 1, "options": [{"name": " Oat "}]}]);
        let checked = check(&groups).unwrap();
        assert_eq!((checked[0].name.as_str(), checked[0].options[0].name.as_str()), ("Milk", "Oat"));
    }

    #[test]
    fn the_range_of_the_choices_is_that_of_all_choices() {
        let deltas: [i64; 4] = [-300, 200, -100, 500];
        for (least, most) in (0..=4).flat_map(|least| (least.max(1)..=4).map(move |most| (least, most))) {
            let options = deltas.map(|each| ProductOption {
                option_id: None,
                name: String::new(),
                price_delta: Amount::whole(each),
                dispense_ml_delta: i32::try_from(each).unwrap(),
            });
            let group = OptionGroup {
                group_id: None,
                name: String::new(),
                min_choices: least,
                max_choices: most,
                options: options.into(),
            };
            let legal = (0_u32..16).filter(|choice| (least..=most).contains(&choice.count_ones()));
            let sums = legal.map(|choice| (0..4).filter(|bit| choice >> bit & 1 == 1).map(|bit| deltas[bit]).sum());
            let sums: Vec<i64> = sums.collect();
            let tried = *sums.iter().min().unwrap()..=*sums.iter().max().unwrap();
            assert_eq!(range(&[group], |option| option.dispense_ml_delta.into()), tried, "{least}..={most}");
        }
    }
}
