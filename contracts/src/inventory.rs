//! Stock: what is counted, how it moves, what a product takes of it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Schema, Type},
};

use crate::{
    ids::{InventoryId, OptionId, OrderId, ProductId, StockMoveId},
    time::Timestamp,
};

/// The most that can be on hand of one item: a thousand tonnes in grams.
pub const STOCK_QUANTITY_MAX: i64 = 1_000_000_000;
/// The longest name of an item: what a shelf label can carry.
pub const INVENTORY_NAME_CHARS_MAX: usize = 80;
/// The longest unit: "millilitres", with room to spare.
pub const INVENTORY_UNIT_CHARS_MAX: usize = 16;
/// More parts than any recipe has, and more changes than any option makes.
pub const RECIPE_PARTS_MAX: usize = 32;
/// The most that one unit takes of an item: a tonne of grams. With the bounds of an order, sums stay far inside 64 bits.
pub const RECIPE_QUANTITY_MAX: i64 = 1_000_000;
/// As many options as a product can have.
pub const RECIPE_OPTIONS_MAX: usize = crate::product::OPTION_GROUPS_MAX * crate::product::OPTIONS_PER_GROUP_MAX;
/// The longest note on a movement: one line of a screen.
pub const STOCK_NOTE_CHARS_MAX: usize = 160;
/// How many products one question for sold-out products may have: each needs up to 32 items.
pub const SOLD_OUT_ITEMS_MAX: usize = 200;

/// What happens to an order for which an item has too little. What counts is what is available: on hand and not held by
/// other unpaid orders.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum StockoutPolicy {
    /// The order is refused, and `GET /api/Product/availability` shows the product as sold out. For what cannot be made
    /// without the item, and is counted well.
    #[default]
    Block,
    /// The order goes through, and staff get a notice of the shortage (`StockShort`). For what can be replaced or
    /// fetched.
    Warn,
    /// The order goes through without a notice; what is on hand may become negative. For what is counted roughly.
    Allow,
}

/// Why stock moved.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MoveReason {
    /// Delivered, by a person. The quantity is positive.
    Received,
    /// Thrown away, by a person. The quantity sent is positive; the movement is negative.
    Waste,
    /// Counted, by a person: the quantity sent is what is on hand now.
    Count,
    /// A mistake was corrected, by a person. The quantity has either sign.
    Correction,
    /// An order was paid. Only orders make this movement.
    Sale,
    /// A paid order was closed. Only orders make this movement.
    SaleReversed,
}

impl MoveReason {
    /// The reasons that a person can give; orders make the other movements.
    pub const MANUAL: [Self; 4] = [Self::Received, Self::Waste, Self::Count, Self::Correction];
}

/// `POST /api/Inventory` and `PUT /api/Inventory/{inventoryId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteInventory {
    /// The id, if the client chooses it; on a PUT it may be left out.
    #[serde(default)]
    pub inventory_id: Option<InventoryId>,
    /// The name, 1 to 80 characters on one line.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// The unit, 1 to 16 characters: `g`, `ml`, `piece`. Quantities are whole numbers of it.
    #[schema(min_length = 1, max_length = 16)]
    pub unit: String,
    /// The product that is counted as this item, one for one, if it has no recipe: a croissant is a croissant.
    #[serde(default)]
    pub product_id: Option<ProductId>,
    /// What happens to an order for which it has too little.
    #[serde(default)]
    pub policy: StockoutPolicy,
    /// At this quantity, or below it, staff get a notice, 0 to 1,000,000,000. Absent: never.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub low_level: Option<i64>,
}

/// An item of stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryView {
    /// Its id.
    pub inventory_id: InventoryId,
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The product that is counted as this item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// What happens to an order for which it has too little.
    pub policy: StockoutPolicy,
    /// At this quantity, or below it, staff get a notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_level: Option<i64>,
    /// What is on hand: the sum of its movements.
    pub on_hand: i64,
    /// What unpaid orders hold of it.
    pub reserved: i64,
    /// `on_hand` less `reserved`.
    pub available: i64,
    /// Whether it is at its low level or below.
    pub is_low: bool,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
    /// Grows with every change of what `PUT /api/Inventory/{inventoryId}` writes: the item's ETag.
    pub settings_version: i64,
}

/// `POST /api/Inventory/{inventoryId}/adjust`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdjustStock {
    /// Why: RECEIVED, WASTE, COUNT or CORRECTION.
    #[schema(schema_with = manual_reason)]
    pub reason: MoveReason,
    /// How much, in the item's unit: 1 or more for RECEIVED and WASTE, what is on hand for COUNT, either sign for
    /// CORRECTION.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub quantity: i64,
    /// A note, at most 160 characters on one line.
    #[serde(default)]
    #[schema(max_length = 160)]
    pub note: Option<String>,
}

/// The reasons that a person can give.
fn manual_reason() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Why: RECEIVED, WASTE, COUNT or CORRECTION."))
        .enum_values(Some(MoveReason::MANUAL.map(<&str>::from)))
        .into()
}

/// A row of the stock's ledger: it is never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockMove {
    /// Its id.
    pub move_id: StockMoveId,
    /// Which item.
    pub inventory_id: InventoryId,
    /// The reason.
    pub reason: MoveReason,
    /// What was added; negative if it left.
    pub quantity: i64,
    /// What was on hand after it.
    pub on_hand_after: i64,
    /// The order that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The person's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub moved_at: Timestamp,
}

/// `PUT /api/Recipe/{productId}`: what one unit of a product takes of the stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteRecipe {
    /// What every unit takes, at most 32 items, each once. Empty: it takes nothing.
    #[schema(max_items = 32)]
    pub parts: Vec<RecipePart>,
    /// What options change, each option once. An option that changes nothing is left out.
    #[serde(default)]
    #[schema(max_items = 512)]
    pub options: Vec<OptionRecipe>,
}

/// One part of a recipe: a quantity of an item, or what the machine pours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecipePart {
    /// Which item.
    pub inventory_id: InventoryId,
    /// How much of it one unit takes, in the item's unit, 1 to 1,000,000. Absent if `takesDispensed` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: Option<i64>,
    /// Whether one unit takes exactly the millilitres that the machine pours, its options included. For the keg of a
    /// dispensable product, which is counted in millilitres; one part at most.
    #[serde(default, skip_serializing_if = "is_false")]
    pub takes_dispensed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What one option of a product changes in its recipe, 1 to 32 changes. Of all options chosen, first `add` counts, then
/// `take`, never below zero, then `replace`: a large drink with oat milk takes the larger quantity of oat milk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptionRecipe {
    /// Which option of the product. An option keeps its id if the product is written with it; a change for an option
    /// that the product no longer has does nothing.
    pub option_id: OptionId,
    /// What it takes in addition, each item once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub add: Vec<ItemQuantity>,
    /// What it takes less, each item once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub take: Vec<ItemQuantity>,
    /// Which items it replaces by others, each once. If several options replace one item, the first of the recipe does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub replace: Vec<ItemReplacement>,
}

/// A quantity of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemQuantity {
    /// Which item.
    pub inventory_id: InventoryId,
    /// How much of it, in its unit, 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: i64,
}

/// An item that takes the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemReplacement {
    /// The item that is replaced. If the unit takes nothing of it, nothing happens.
    pub inventory_id: InventoryId,
    /// The item that is taken instead.
    pub by_inventory_id: InventoryId,
    /// How much of it, in its unit, 1 to 1,000,000. Absent: as much as of the item that it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: Option<i64>,
}

/// What one unit of a product takes of the stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipeView {
    /// Which product.
    pub product_id: ProductId,
    /// What every unit takes.
    pub parts: Vec<RecipePart>,
    /// What options change.
    pub options: Vec<OptionRecipe>,
    /// Whether nobody wrote it: the product takes one of the item that it is counted as, if there is one.
    pub is_default: bool,
}

/// `POST /internal/Inventory/sold-out`: Product asks which of these products cannot be made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindSoldOut {
    /// One of each product, as it is ordered by default, at most 200.
    pub items: Vec<ReserveItem>,
}

/// The answer to [`FindSoldOut`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoldOut {
    /// The products for which a BLOCK item has too little.
    pub product_ids: Vec<ProductId>,
}

/// `PUT /internal/Reservation/{orderId}`: Order reserves an order's stock. A repeated request gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveStock {
    /// The version that the order will have, from 1: a release of an earlier one does nothing.
    #[schema(minimum = 1)]
    pub order_version: i64,
    /// What is ordered.
    pub items: Vec<ReserveItem>,
}

/// `POST /internal/Reservation/{orderId}/release`: Order releases the stock of an order that it then did not write. It
/// does nothing to an order that was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseStock {
    /// The version of the request: a newer request stays.
    pub order_version: i64,
}

/// One line of [`ReserveStock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveItem {
    /// Which product.
    pub product_id: ProductId,
    /// How many.
    pub quantity: u32,
    /// The options chosen: they may add to, take from or replace parts of the recipe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionId>,
    /// How much a machine pours of one, in millilitres, its options included. Absent: no machine does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_ml: Option<u32>,
}

/// What is missing of one item: in the `context` of `/problems/out-of-stock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// Which item.
    pub inventory_id: InventoryId,
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// How much the order needs.
    pub needed: i64,
    /// How much is available to the order.
    pub available: i64,
    /// The ordered products that need it.
    pub product_ids: Vec<ProductId>,
}

/// The `context` of `/problems/out-of-stock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutOfStock {
    /// Everything that ran out.
    pub shortages: Vec<Shortage>,
}
