//! The menu: categories, products, their options, and the card that other services keep of a product.

use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::Schema};

use crate::{
    ids::{CategoryId, OptionGroupId, OptionId, ProductId},
    money::Amount,
    qr::{DISPENSE_MS_MAX, DISPENSE_MS_MIN, PUMP_ML_PER_SECOND},
    time::Timestamp,
};

/// The longest name of a product, category, group or option: two lines of a receipt.
pub const NAME_CHARS_MAX: usize = 80;
/// The longest description of a product: what a tablet's screen can show.
pub const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// More than any menu shows for one product.
pub const OPTION_GROUPS_MAX: usize = 16;
/// More than a person can choose from.
pub const OPTIONS_PER_GROUP_MAX: usize = 32;
/// The smallest cup that a machine pours at its usual rate, in millilitres.
pub const DISPENSE_ML_MIN: u32 = PUMP_ML_PER_SECOND * DISPENSE_MS_MIN / 1000;
/// The furthest place of a category from 0, in either direction.
pub const CATEGORY_POSITION_MAX: i64 = 1_000_000_000;
/// The largest cup, in millilitres.
pub const DISPENSE_ML_MAX: u32 = PUMP_ML_PER_SECOND * DISPENSE_MS_MAX / 1000;

/// `POST /api/Product` and `PUT /api/Product/{productId}`: the whole product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteProduct {
    /// The id, if the client chooses it; on a PUT it may be left out.
    #[serde(default)]
    pub product_id: Option<ProductId>,
    /// Its name on the menu, 1 to 80 characters on one line.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// The menu's text about it, at most 1000 characters.
    #[serde(default)]
    #[schema(max_length = 1000, pattern = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$")]
    pub description: String,
    /// The category that it is in.
    pub category_id: CategoryId,
    /// The price of one, in the shop's currency, as the menu shows it.
    #[schema(schema_with = menu_price)]
    pub price: Amount,
    /// The name of one of the shop's taxes. Absent: the shop's first.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40)]
    pub tax_name: Option<String>,
    /// Whether a machine pours it: each unit becomes a code.
    #[serde(default)]
    pub is_dispensable: bool,
    /// How much a machine pours, in millilitres, 6 to 1800, also with every choice of options. Required if the product
    /// is dispensable, refused otherwise.
    #[serde(default)]
    #[schema(minimum = 6, maximum = 1800)]
    pub dispense_ml: Option<u32>,
    /// What the guest chooses, in the menu's order, at most 16 groups.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub option_groups: Vec<OptionGroup>,
}

fn menu_price() -> Schema {
    let mut price = Amount::object();
    price.description = Some("The price of one, in the shop's currency, as the menu shows it; 0 or more.".into());
    price.minimum = Some(0.into());
    price.into()
}

/// A choice that a product offers, such as its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptionGroup {
    /// The id, if it is known; a new one otherwise.
    #[serde(default)]
    pub group_id: Option<OptionGroupId>,
    /// Its name on the menu, 1 to 80 characters on one line.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// The fewest options that must be chosen, at most `maxChoices`.
    #[schema(minimum = 0, maximum = 32)]
    pub min_choices: u32,
    /// The most that may be chosen, at most as many as there are options.
    #[schema(minimum = 1, maximum = 32)]
    pub max_choices: u32,
    /// The options, in the menu's order, 1 to 32.
    #[schema(min_items = 1, max_items = 32)]
    pub options: Vec<ProductOption>,
}

/// One option of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductOption {
    /// The id, if it is known; a new one otherwise.
    #[serde(default)]
    pub option_id: Option<OptionId>,
    /// Its name on the menu, 1 to 80 characters on one line.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// What it adds to the price of one; may be negative.
    #[serde(default = "zero")]
    pub price_delta: Amount,
    /// What it adds to the millilitres of one; may be negative.
    #[serde(default)]
    #[schema(minimum = -1800, maximum = 1800)]
    pub dispense_ml_delta: i32,
}

fn zero() -> Amount {
    Amount::ZERO
}

/// A product as the menu, the tablets and the other services see it: all that an order needs, and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductCard {
    /// Its id.
    pub product_id: ProductId,
    /// Its name on the menu.
    pub name: String,
    /// The menu's text about it.
    pub description: String,
    /// The category that it is in.
    pub category_id: CategoryId,
    /// The price of one, in `currency`.
    pub price: Amount,
    /// The currency of its prices.
    pub currency: crate::money::Currency,
    /// The name of its tax. Absent: the shop's first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tax_name: Option<String>,
    /// Whether a machine pours it.
    pub is_dispensable: bool,
    /// How much a machine pours, in millilitres.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dispense_ml: Option<u32>,
    /// What the guest chooses; every group and option has its id.
    pub option_groups: Vec<OptionGroup>,
    /// Whether it is sold today.
    pub is_available: bool,
    /// Whether it left the menu for good. Its past orders keep it.
    pub is_archived: bool,
    /// Grows with every change: the card with the higher version is the newer one.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// `PUT /api/Product/{productId}/availability`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteAvailability {
    /// Whether it is sold today.
    pub is_available: bool,
}

/// One row of `GET /api/Product/availability`, and the answer of `PUT /api/Product/{productId}/availability`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// The product.
    pub product_id: ProductId,
    /// Whether it can be ordered now: it is on sale, and not sold out as far as that is known.
    pub is_available: bool,
    /// Whether an item that blocks orders has too little for one with its default options. Absent: it is not on sale,
    /// or Inventory is unavailable or was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_sold_out: Option<bool>,
    /// The version of its card.
    pub version: i64,
}

/// `POST /api/Category` and `PUT /api/Category/{categoryId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteCategory {
    /// The id, if the client chooses it.
    #[serde(default)]
    pub category_id: Option<CategoryId>,
    /// Its name on the menu, 1 to 80 characters on one line.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// Its place in the menu, -1,000,000,000 to 1,000,000,000: smaller comes first.
    #[serde(default)]
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub position: i64,
}

/// A category of the menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryView {
    /// Its id.
    pub category_id: CategoryId,
    /// Its name on the menu.
    pub name: String,
    /// Its place in the menu.
    pub position: i64,
    /// Whether it left the menu for good.
    pub is_archived: bool,
    /// Grows with every change.
    pub version: i64,
}

/// The keys under which the cache holds what Order needs of a product (the specification's data flow).
pub mod cache_keys {
    use super::ProductCard;
    use crate::ids::ProductId;

    /// The three keys of a card with their values. They are written together, so that they are of one version.
    ///
    /// # Errors
    /// The card cannot be written as JSON.
    pub fn entries(card: &ProductCard) -> serde_json::Result<[(String, String); 3]> {
        let id = card.product_id;
        Ok([
            (price(id), card.price.to_string()),
            (dispensable(id), card.is_dispensable.to_string()),
            (self::card(id), serde_json::to_string(card)?),
        ])
    }

    /// The price in major units, as a decimal.
    #[must_use]
    pub fn price(id: ProductId) -> String {
        format!("product:price:{id}")
    }

    /// `true` or `false`.
    #[must_use]
    pub fn dispensable(id: ProductId) -> String {
        format!("product:dispensable:{id}")
    }

    /// The [`ProductCard`](super::ProductCard) as JSON.
    #[must_use]
    pub fn card(id: ProductId) -> String {
        format!("product:card:{id}")
    }
}
