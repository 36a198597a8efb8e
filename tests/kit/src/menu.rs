//! Products, for services that know them only by events.

use contracts::{
    ids::{CategoryId, ProductId},
    money::{Amount, Currency},
    product::ProductCard,
    time::Timestamp,
};

/// A product that is available for `price` rupiah. A person makes it, and it has no options. Change what matters:
/// `ProductCard { is_dispensable: true, dispense_ml: Some(240), ..product_card("Latte", 28_000) }`.
#[must_use]
pub fn product_card(name: &str, price: i64) -> ProductCard {
    let written_at = Timestamp(1_795_309_200_000_000); // An hour before the time of a new `World`.
    ProductCard {
        product_id: ProductId::new(written_at),
        name: name.into(),
        description: String::new(),
        category_id: CategoryId::new(written_at),
        price: Amount::whole(price),
        currency: Currency::IDR,
        tax_name: None,
        is_dispensable: false,
        dispense_ml: None,
        option_groups: Vec::new(),
        is_available: true,
        is_archived: false,
        version: 1,
        updated_at: written_at,
    }
}
