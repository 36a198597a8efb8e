//! The rules of the menu: what may be a category and a product. Pure: the same answer for the same text.

mod options;
mod product;
mod words;

use contracts::{
    money::Money,
    product::{DISPENSE_ML_MAX, DISPENSE_ML_MIN, NAME_CHARS_MAX, OPTION_GROUPS_MAX, OPTIONS_PER_GROUP_MAX},
};

pub(crate) use product::{CheckedProduct, check_product};
pub(crate) use words::{check_name, listed};

/// The dearest thing, in minor units: with it, an order of 200 lines of 999 each still has the 15 digits of an amount.
pub(crate) const PRICE_MINOR_MAX: i64 = 1_000_000_000;
/// What a tablet's screen can show of one product.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// The most products on a menu: far more than a shop sells, and few enough to be answered at once.
pub(crate) const MENU_PRODUCTS_MAX: i64 = 5_000;
/// A refusal names this many of the things in the way; the rest are counted.
pub(crate) const NAMES_LISTED_MAX: usize = 5;

/// What cannot be on a menu. Each names its field and the way on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidMenu {
    /// Nothing, too much, or with a line break.
    #[error(
        "{field} is {found}: write 1 to {NAME_CHARS_MAX} characters on one line, as the menu and the receipt show them."
    )]
    Name {
        /// Which name.
        field: String,
        /// What was found instead.
        found: String,
    },
    /// Longer than a screen.
    #[error("description has {0} characters: shorten it to at most {DESCRIPTION_CHARS_MAX}.")]
    Description(usize),
    /// Characters that no screen shows.
    #[error("description has a control character, such as a NUL or a tab: take it out. Line breaks may stay.")]
    DescriptionControl,
    /// The path says one, the body another.
    #[error("productId in the body differs from the one in the path: leave it out, or send the same.")]
    ProductIdDiffers,
    /// The path says one, the body another.
    #[error("categoryId in the body differs from the one in the path: leave it out, or send the same.")]
    CategoryIdDiffers,
    /// No category to stand in.
    #[error(
        "categoryId {0} is not a category of the menu: choose one of GET /api/Category, or add it first with POST \
         /api/Category."
    )]
    Category(contracts::ids::CategoryId),
    /// Not money of the shop.
    #[error("{field}: {why}. Write it in the shop's currency, such as {example}.")]
    Amount {
        /// Which amount.
        field: String,
        /// What is wrong with it.
        why: String,
        /// One that is right.
        example: Money,
    },
    /// Less than nothing, or more than an order can add up.
    #[error("price is {price}: use 0 to {most}.", most = Money::new(PRICE_MINOR_MAX, price.currency))]
    Price {
        /// The price.
        price: Money,
    },
    /// A choice of options makes it so.
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
    /// The machine would not know how much to pour.
    #[error(
        "dispenseMl is missing: a dispensable product needs the millilitres that the machine pours, {DISPENSE_ML_MIN} to {DISPENSE_ML_MAX}."
    )]
    DispenseMlMissing,
    /// Nothing, or more than a cup can take.
    #[error("dispenseMl is {0}: use {DISPENSE_ML_MIN} to {DISPENSE_ML_MAX} millilitres.")]
    DispenseMl(u32),
    /// A choice of options makes it so.
    #[error(
        "dispenseMl: with some choice of options it becomes {0}. Change the dispenseMlDelta of an option, so that \
         every choice pours {DISPENSE_ML_MIN} to {DISPENSE_ML_MAX} millilitres."
    )]
    DispenseMlWithOptions(i64),
    /// No machine pours it.
    #[error("{0} is for dispensable products: leave it out, or set isDispensable.")]
    NotDispensable(String),
    /// More than a menu shows.
    #[error("optionGroups has {0} groups: use at most {OPTION_GROUPS_MAX}.")]
    TooManyGroups(usize),
    /// None, or more than a person can choose from.
    #[error("{field} has {found} options: use 1 to {OPTIONS_PER_GROUP_MAX}.")]
    OptionCount {
        /// Which group's.
        field: String,
        /// How many.
        found: usize,
    },
    /// No guest could choose so.
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
    /// Two of one name.
    #[error("{field}: {name:?} is there twice. Give each a name of its own.")]
    NameTwice {
        /// Which of the two.
        field: String,
        /// The name.
        name: String,
    },
    /// Two of one id.
    #[error("{field}: the id {id} is there twice. Leave the second out to have one made.")]
    IdTwice {
        /// Which of the two.
        field: String,
        /// The id.
        id: String,
    },
}
