//! What a guest gets who chooses nothing: of each group, the first options that must be chosen.

use contracts::{inventory::ReserveItem, product::ProductCard};

/// One of a product with its default options.
pub(crate) fn default_item(card: &ProductCard) -> ReserveItem {
    let chosen = card.option_groups.iter().flat_map(|group| {
        let count = usize::try_from(group.min_choices).unwrap_or(usize::MAX);
        group.options.iter().take(count)
    });
    let (mut options, mut ml) = (Vec::new(), i64::from(card.dispense_ml.unwrap_or(0)));
    for option in chosen {
        options.extend(option.option_id);
        ml += i64::from(option.dispense_ml_delta);
    }
    // Every legal choice of a product on the menu pours an amount within bounds.
    let dispense_ml = card.dispense_ml.and_then(|_| u32::try_from(ml).ok());
    ReserveItem { product_id: card.product_id, quantity: 1, options, dispense_ml }
}

#[cfg(test)]
mod tests {
    use contracts::{
        ids::OptionId,
        money::Amount,
        product::{OptionGroup, ProductOption},
        time::Timestamp,
    };

    use super::*;

    #[test]
    fn the_first_options_that_must_be_chosen_are_the_default() {
        let ids = [(); 4].map(|()| OptionId::new(Timestamp(1)));
        let option = |index: usize, dispense_ml_delta| ProductOption {
            option_id: Some(ids[index]),
            name: index.to_string(),
            price_delta: Amount::ZERO,
            dispense_ml_delta,
        };
        let group = |min_choices, options| OptionGroup {
            group_id: None,
            name: "Cup".into(),
            min_choices,
            max_choices: 2,
            options,
        };
        let option_groups =
            vec![group(1, vec![option(0, -40), option(1, 120)]), group(0, vec![option(2, 0), option(3, 0)])];
        let card = ProductCard {
            is_dispensable: true,
            dispense_ml: Some(240),
            option_groups,
            ..testkit::product_card("Cold brew", 24_000)
        };
        let item = default_item(&card);
        assert_eq!((item.quantity, item.options, item.dispense_ml), (1, vec![ids[0]], Some(200)));
        assert_eq!(default_item(&testkit::product_card("Latte", 28_000)).dispense_ml, None);
    }
}
