//! The rules of the menu: what may be a category and a product. Plain data in, plain data or a refusal out.

mod default_item;
mod names;
mod options;
mod product;

use contracts::{
    money::Money,
    product::{
        CATEGORY_POSITION_MAX, DESCRIPTION_CHARS_MAX, DISPENSE_ML_MAX, DISPENSE_ML_MIN, NAME_CHARS_MAX,
        OPTION_GROUPS_MAX, OPTIONS_PER_GROUP_MAX,
    },
};

pub(crate) use default_item::default_item;
pub(crate) use names::{check_name, join_names};
pub(crate) use product::{CheckedProduct, check_product};

/// The highest price, in minor units: with it, an order of 200 lines of 999 each still has the 15 digits of an amount.
pub(crate) const PRICE_MINOR_MAX: i64 = 1_000_000_000;
/// The most products on a menu: far more than a shop sells, and few enough for one response.
pub(crate) const MENU_PRODUCTS_MAX: i64 = 5_000;
/// How many products a refusal names; it counts the rest.
pub(crate) const NAMES_LISTED_MAX: usize = 5;

/// Refuses a place of a category that is out of bounds.
///
/// # Errors
/// [`InvalidMenu::Position`].
pub(crate) fn check_position(position: i64) -> Result<(), InvalidMenu> {
    let is_allowed = (-CATEGORY_POSITION_MAX..=CATEGORY_POSITION_MAX).contains(&position);
    if is_allowed { Ok(()) } else { Err(InvalidMenu::Position(position)) }
}

/// Why something cannot be on the menu. Each names its field and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidMenu {
    /// It is empty, too long, or has a line break.
    #[error(
        "{field} is {found}: write 1 to {NAME_CHARS_MAX} characters on one line, as the menu and the receipt show them."
    )]
    Name {
        /// Which name.
        field: String,
        /// What was found instead.
        found: String,
    },
    /// Its place is out of bounds.
    #[error("position is {0}: use a number from -{CATEGORY_POSITION_MAX} to {CATEGORY_POSITION_MAX}.")]
    Position(i64),
    /// It is longer than a screen.
    #[error("description has {0} characters: shorten it to at most {DESCRIPTION_CHARS_MAX}.")]
    Description(usize),
    /// It has a character that no screen shows.
    #[error("description has a control character, such as a NUL or a tab: take it out. Line breaks may stay.")]
    DescriptionControl,
    /// The path and the body differ.
    #[error("productId in the body differs from the one in the path: leave it out, or send the same.")]
    ProductIdDiffers,
    /// The path and the body differ.
    #[error("categoryId in the body differs from the one in the path: leave it out, or send the same.")]
    CategoryIdDiffers,
    /// There is no such category.
    #[error(
        "categoryId {0} is not a category of the menu: choose one of GET /api/Category, or add it first with POST \
         /api/Category."
    )]
    Category(contracts::ids::CategoryId),
    /// It is not an amount of the shop's currency.
    #[error("{field}: {reason}. Write it in the shop's currency, such as {example}.")]
    Amount {
        /// Which amount.
        field: String,
        /// What is wrong with it.
        reason: String,
        /// One that is right.
        example: Money,
    },
    /// It is negative, or too much for the sum of an order.
    #[error("price is {price}: use 0 to {most}.", most = Money::new(PRICE_MINOR_MAX, price.currency))]
    Price {
        /// The price.
        price: Money,
    },
    /// A choice of options makes the price negative or too high.
    #[error(
        "price: with some choice of options it becomes {price}. Change the priceDelta of an option or the price, so \
         that every choice costs 0 to {most}.",
        most = Money::new(PRICE_MINOR_MAX, price.currency)
    )]
    PriceWithOptions {
        /// The price with the worst choice.
        price: Money,
    },
    /// The shop has no tax of this name.
    #[error("taxName {name:?} is not a tax of the shop: use {known}, or leave it out for the shop's first.")]
    Tax {
        /// The name.
        name: String,
        /// The names that are.
        known: String,
    },
    /// A dispensable product needs it.
    #[error(
        "dispenseMl is missing: a dispensable product needs the millilitres that the machine pours, {DISPENSE_ML_MIN} to {DISPENSE_ML_MAX}."
    )]
    DispenseMlMissing,
    /// Too little or too much for a cup.
    #[error("dispenseMl is {0}: use {DISPENSE_ML_MIN} to {DISPENSE_ML_MAX} millilitres.")]
    DispenseMl(u32),
    /// A choice of options makes a cup too small or too large.
    #[error(
        "dispenseMl: with some choice of options it becomes {0}. Change the dispenseMlDelta of an option, so that \
         every choice pours {DISPENSE_ML_MIN} to {DISPENSE_ML_MAX} millilitres."
    )]
    DispenseMlWithOptions(i64),
    /// The product is not dispensable.
    #[error("{0} is for dispensable products: leave it out, or set isDispensable.")]
    NotDispensable(String),
    /// More groups than a menu shows.
    #[error("optionGroups has {0} groups: use at most {OPTION_GROUPS_MAX}.")]
    TooManyGroups(usize),
    /// No option, or more than a person can choose from.
    #[error("{field} has {found} options: use 1 to {OPTIONS_PER_GROUP_MAX}.")]
    OptionCount {
        /// Which group's.
        field: String,
        /// How many.
        found: usize,
    },
    /// No guest could choose accordingly.
    #[error(
        "{field}: minChoices is {min_choices} and maxChoices is {max_choices} of {options} options. maxChoices must be from 1 to \
         {options}, and minChoices from 0 to maxChoices."
    )]
    Bounds {
        /// Which group.
        field: String,
        /// The fewest.
        min_choices: u32,
        /// The most.
        max_choices: u32,
        /// How many there are.
        options: usize,
    },
    /// Two have the same name.
    #[error("{field}: {name:?} is there twice. Give each a name of its own.")]
    NameTwice {
        /// Which of the two.
        field: String,
        /// The name.
        name: String,
    },
    /// Two have the same id.
    #[error("{field}: the id {id} is there twice. Leave the second out to have one made.")]
    IdTwice {
        /// Which of the two.
        field: String,
        /// The id.
        id: String,
    },
}
