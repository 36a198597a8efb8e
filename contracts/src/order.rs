//! Orders: how one is placed, what it looks like, and which way it may go.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    ids::{OptionId, OrderId, ProductId},
    money::{Amount, Currency},
    payment::PaymentMethod,
    pricing::Percent,
    product::{OPTION_GROUPS_MAX, OPTIONS_PER_GROUP_MAX},
    time::{BusinessDay, Timestamp},
};

/// More lines than a table of forty orders.
pub const ITEMS_MAX: usize = 200;
/// More of one thing than a shop can make in an hour.
pub const QUANTITY_MAX: u32 = 999;
/// As many cups for machines as one line may have: each becomes a code on the receipt.
pub const CUPS_MAX: u32 = 999;
/// More choices than any product offers.
pub const OPTIONS_PER_ITEM_MAX: usize = OPTION_GROUPS_MAX * OPTIONS_PER_GROUP_MAX;
/// What a receipt's line can carry, four times.
pub const NOTE_CHARS_MAX: usize = 160;
/// What a screen's tile can carry.
pub const CUSTOMER_CHARS_MAX: usize = 80;
/// "Terrace 12", in any language.
pub const TABLE_CHARS_MAX: usize = 40;

/// Where an order stands.
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
pub enum OrderStatus {
    /// Placed, not paid. Its stock is reserved, its codes pour nothing.
    Pending,
    /// Paid: it is being made.
    Processing,
    /// Made: it waits for its guest.
    Ready,
    /// Every unit is poured, handed over or refunded.
    Completed,
    /// Given up by a person.
    Cancelled,
    /// Given up by time: it was not paid.
    Expired,
}

impl OrderStatus {
    /// Whether an order may go from `self` to `next`.
    #[must_use]
    pub const fn can_transition_to(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Processing | Self::Cancelled | Self::Expired),
            Self::Processing => matches!(next, Self::Ready | Self::Completed),
            Self::Ready => matches!(next, Self::Completed),
            // By staff, or by money that came late.
            Self::Expired => matches!(next, Self::Pending | Self::Processing),
            Self::Completed | Self::Cancelled => false,
        }
    }
}

/// Where an order was placed.
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
pub enum Channel {
    /// At the till.
    #[default]
    Pos,
    /// At the self-service kiosk.
    Kiosk,
}

/// Where the guest will have it.
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
pub enum DiningOption {
    /// Away.
    #[default]
    Takeaway,
    /// At a table.
    DineIn,
}

/// Whether the stock of an order is certain.
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
pub enum StockCheck {
    /// Inventory holds it.
    Reserved,
    /// Inventory was away when the order was placed; it will hold it when it is back.
    Deferred,
    /// Inventory came back and there was too little: a person must look.
    Short,
}

/// `POST /api/Order` (step 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// The order's id, if the client chooses it: a retry after any failure is then the same order.
    #[serde(default)]
    pub order_id: Option<OrderId>,
    /// What is ordered: 1 to 200 lines.
    pub items: Vec<PlaceOrderItem>,
    /// The total that the client showed. One that differs is refused with the server's own.
    pub total_amount: Amount,
    /// Where it was placed. Absent: at the till.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// Where the guest will have it. Absent: away.
    #[serde(default)]
    pub dining_option: Option<DiningOption>,
    /// What to call out, at most 80 characters.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// Where to bring it, at most 40 characters.
    #[serde(default)]
    pub table: Option<String>,
}

/// One line of [`PlaceOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrderItem {
    /// Which product.
    pub product_id: ProductId,
    /// How many, 1 to 999.
    pub quantity: i64,
    /// The options chosen, of this product's groups.
    #[serde(default)]
    pub options: Vec<OptionId>,
    /// A wish, at most 160 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// `PATCH /api/Order/{orderId}`: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeOrder {
    /// READY, COMPLETED, or PENDING to revive an expired order.
    #[serde(default)]
    pub status: Option<OrderStatus>,
    /// What to call out. Empty takes it away.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// Where to bring it. Empty takes it away.
    #[serde(default)]
    pub table: Option<String>,
}

/// An order as everyone sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// Its id.
    pub order_id: OrderId,
    /// What people call it: a letter and a counter for each business day, `A-0042`.
    pub order_number: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Where it was placed.
    pub channel: Channel,
    /// Where the guest will have it.
    pub dining_option: DiningOption,
    /// What to call out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// Where to bring it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Its lines, in the order in which they were asked for.
    pub items: Vec<OrderItemView>,
    /// What it costs, and why.
    pub price: PriceView,
    /// Whether its stock is certain.
    pub stock: StockCheck,
    /// The day whose sales it belongs to.
    pub business_day: BusinessDay,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it will be given up, while it is not paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

/// One line of an [`OrderView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderItemView {
    /// Its place in the order, from 1.
    pub line: u32,
    /// Which product.
    pub product_id: ProductId,
    /// What it was called when it was ordered.
    pub product_name: String,
    /// How many.
    pub quantity: u32,
    /// The price of one, its options included.
    pub unit_price: Amount,
    /// Unit price times quantity.
    pub line_total: Amount,
    /// The options chosen.
    pub options: Vec<ChosenOption>,
    /// A wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether a machine pours it.
    pub is_dispensable: bool,
    /// How many a machine has poured.
    pub poured: u32,
    /// How many wait for a person to say whether they were poured.
    pub in_review: u32,
}

/// An option as it was when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChosenOption {
    /// Which option.
    pub option_id: OptionId,
    /// Its group's name.
    pub group_name: String,
    /// Its name.
    pub name: String,
    /// What it added to the price of one.
    pub price_delta: Amount,
}

/// The parts of a price. `total` is what is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceView {
    /// The currency of every amount.
    pub currency: Currency,
    /// The sum of the lines.
    pub subtotal: Amount,
    /// What is taken off, as a positive number.
    pub discount: Amount,
    /// The service charge.
    pub service: Amount,
    /// The tax of each rate.
    pub taxes: Vec<TaxView>,
    /// Their sum; inside the total where prices are inclusive.
    pub tax: Amount,
    /// What is owed.
    pub total: Amount,
}

/// The tax of one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxView {
    /// Its name.
    pub name: String,
    /// Its rate.
    pub percent: Percent,
    /// How much.
    pub amount: Amount,
}

impl From<&crate::pricing::Price> for PriceView {
    fn from(price: &crate::pricing::Price) -> Self {
        let tax_view = |tax: &crate::pricing::TaxAmount| TaxView {
            name: tax.rate.name.clone(),
            percent: tax.rate.percent,
            amount: tax.amount.amount(),
        };
        Self {
            currency: price.total.currency,
            subtotal: price.subtotal.amount(),
            discount: price.discount.amount(),
            service: price.service.amount(),
            taxes: price.taxes.iter().map(tax_view).collect(),
            tax: price.tax.amount(),
            total: price.total.amount(),
        }
    }
}

/// The `context` of `/problems/total-mismatch`: what the server computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalMismatch {
    /// The lines as they cost now.
    pub items: Vec<OrderItemView>,
    /// The price as it is now.
    pub price: PriceView,
}

/// How many cups of these lines machines pour.
#[must_use]
pub fn cups(items: &[OrderItemView]) -> u32 {
    items.iter().filter(|item| item.is_dispensable).map(|item| item.quantity).sum()
}

/// What Payment asks Order before it takes money: `GET /internal/Order/{orderId}/due`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmountDue {
    /// Which order.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Its version.
    pub version: i64,
    /// How many cups of it machines pour.
    pub cups: u32,
    /// What is owed.
    pub total: Amount,
    /// In which currency.
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use super::OrderStatus::{self, Cancelled, Completed, Expired, Pending, Processing, Ready};
    use strum::VariantArray;

    #[test]
    fn an_order_goes_only_the_ways_that_the_design_names() {
        let ways = OrderStatus::VARIANTS.iter().flat_map(|from| OrderStatus::VARIANTS.iter().map(|to| (*from, *to)));
        let legal: Vec<_> = ways.filter(|(from, to)| from.can_transition_to(*to)).collect();
        assert_eq!(
            legal,
            [
                (Pending, Processing),
                (Pending, Cancelled),
                (Pending, Expired),
                (Processing, Ready),
                (Processing, Completed),
                (Ready, Completed),
                (Expired, Pending),
                (Expired, Processing),
            ]
        );
    }
}
