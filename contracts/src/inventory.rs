//! Stock: what is counted, how it moves, what a product takes of it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    ids::{InventoryId, OptionId, OrderId, ProductId, StockMoveId},
    time::Timestamp,
};

/// The most that one item can have in stock: a thousand tonnes in grams.
pub const STOCK_QUANTITY_MAX: i64 = 1_000_000_000;
/// More parts than any recipe has.
pub const RECIPE_PARTS_MAX: usize = 32;
/// What a person writes down about a movement.
pub const STOCK_NOTE_CHARS_MAX: usize = 160;

/// What happens to an order when an item runs out.
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
    /// It is refused.
    #[default]
    Block,
    /// It goes through, and staff are told.
    Warn,
    /// It goes through.
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
    /// It was delivered. A person's; positive.
    Received,
    /// It was thrown away. A person's; the quantity is given as positive and leaves.
    Waste,
    /// It was counted: the quantity given is what is there now.
    Count,
    /// A mistake is put right. A person's; either sign.
    Correction,
    /// An order was paid. Only orders do this.
    Sale,
    /// A sale that turned out not to be one. Only orders do this.
    SaleReversed,
}

/// `POST /api/Inventory` and `PUT /api/Inventory/{inventoryId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteInventory {
    /// The id, if the client chooses it; on a PUT it may be left out.
    #[serde(default)]
    pub inventory_id: Option<InventoryId>,
    /// What the storeroom calls it.
    pub name: String,
    /// What one of it is: `g`, `ml`, `piece`. Quantities are whole numbers of it.
    pub unit: String,
    /// The product that is this item, one for one, where it has no recipe: a croissant is a croissant.
    #[serde(default)]
    pub product_id: Option<ProductId>,
    /// What happens to an order when it runs out.
    #[serde(default)]
    pub policy: StockoutPolicy,
    /// At this quantity, or below it, staff are told. Absent: never.
    #[serde(default)]
    pub low_level: Option<i64>,
}

/// An item of stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryView {
    /// Its id.
    pub inventory_id: InventoryId,
    /// What the storeroom calls it.
    pub name: String,
    /// What one of it is.
    pub unit: String,
    /// The product that is this item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// What happens to an order when it runs out.
    pub policy: StockoutPolicy,
    /// At this quantity, or below it, staff are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_level: Option<i64>,
    /// What is there: the sum of its movements.
    pub on_hand: i64,
    /// What unpaid orders hold of it.
    pub reserved: i64,
    /// `on_hand` less `reserved`.
    pub available: i64,
    /// Whether it is at its low level or below.
    pub is_low: bool,
    /// When it changed last.
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
    /// RECEIVED, WASTE, COUNT or CORRECTION.
    pub reason: MoveReason,
    /// How much, in the item's unit: positive for RECEIVED and WASTE, what is there for COUNT, either sign for CORRECTION.
    pub quantity: i64,
    /// Why, at most 160 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// A row of the stock's ledger: it is never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockMove {
    /// Its id.
    pub move_id: StockMoveId,
    /// Which item.
    pub inventory_id: InventoryId,
    /// Why.
    pub reason: MoveReason,
    /// What was added; negative where it left.
    pub quantity: i64,
    /// What was there after it.
    pub on_hand_after: i64,
    /// The order that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// What a person wrote down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub moved_at: Timestamp,
}

/// `PUT /api/Recipe/{productId}`: what one unit of a product takes. No parts: it takes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteRecipe {
    /// Its parts, at most 32, each item once.
    pub parts: Vec<RecipePart>,
}

/// One part of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecipePart {
    /// Which item.
    pub inventory_id: InventoryId,
    /// How much of it one unit takes, in the item's unit, 1 or more.
    pub quantity: i64,
}

/// What one unit of a product takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipeView {
    /// Which product.
    pub product_id: ProductId,
    /// Its parts.
    pub parts: Vec<RecipePart>,
    /// Whether nobody wrote it: the product takes one of itself, if it is counted.
    pub is_default: bool,
}

/// `PUT /internal/Reservation/{orderId}`: Order asks for an order's stock. The same order again gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveStock {
    /// The version that the order will have: releases of an earlier one no longer count.
    pub order_version: i64,
    /// What is ordered.
    pub items: Vec<ReserveItem>,
}

/// `POST /internal/Reservation/{orderId}/release`: Order gives back what it asked for and then did not write. It does
/// nothing to an order that was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseStock {
    /// The version that was asked for: a newer question stays.
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
    /// What the storeroom calls it.
    pub name: String,
    /// What one of it is.
    pub unit: String,
    /// How much the order needs.
    pub needed: i64,
    /// How much can be had.
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
