//! Orders: requests, views, statuses and their legal transitions.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Schema, Type, schema::SchemaType},
};

use crate::{
    audit::Actor,
    ids::{DeviceId, OptionId, OrderId, ProductId},
    money::{Amount, Currency},
    payment_method::PaymentMethod,
    pricing::{Percent, Price, TaxAmount},
    product::{OPTION_GROUPS_MAX, OPTIONS_PER_GROUP_MAX},
    time::{BusinessDay, Timestamp},
};

/// The most lines of an order: more than a table of forty guests orders.
pub const ITEMS_MAX: usize = 200;
/// The most units of a line: more than a shop makes in an hour.
pub const QUANTITY_MAX: u32 = 999;
/// The most cups of an order that machines pour. Each becomes a code on the receipt.
pub const CUPS_MAX: u32 = 999;
/// The most options of a line: more than any product offers.
pub const OPTIONS_PER_ITEM_MAX: usize = OPTION_GROUPS_MAX * OPTIONS_PER_GROUP_MAX;
/// The longest note of a line: four lines of a receipt.
pub const NOTE_CHARS_MAX: usize = 160;
/// The longest customer name: what a tile of a screen can show.
pub const CUSTOMER_CHARS_MAX: usize = 80;
/// The longest name of a table, such as "Terrace 12".
pub const TABLE_CHARS_MAX: usize = 40;

/// The status of an order.
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
    /// Placed, not paid. Its stock is reserved; its codes do not pour yet.
    Pending,
    /// Paid, and being made.
    Processing,
    /// Made, and waiting for its guest.
    Ready,
    /// Every unit is poured, handed over or refunded.
    Completed,
    /// Cancelled by a person before it was paid.
    Cancelled,
    /// Not paid in time.
    Expired,
}

impl OrderStatus {
    /// Whether some [`OrderTransition`] leads from `self` to `next`.
    #[must_use]
    pub fn can_transition_to(self, next: Self) -> bool {
        OrderTransition::VARIANTS.iter().any(|transition| transition.from() == self && transition.to() == next)
    }
}

/// A legal change of an order's status; there are no others. A command names the one that it makes, and the SQL takes
/// both ends from it: `UPDATE ... SET status = to WHERE status = from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum OrderTransition {
    /// Its payment completed in time.
    Pay,
    /// A person cancelled it.
    Cancel,
    /// It was not paid in time.
    Expire,
    /// Staff revived it on its business day.
    Revive,
    /// Its payment completed after it had expired.
    PayLate,
    /// Staff made it.
    MakeReady,
    /// Every unit was handed over or poured, and nobody set it to READY before.
    CompleteFromProcessing,
    /// Every unit was handed over or poured.
    CompleteFromReady,
}

impl OrderTransition {
    /// The status before.
    #[must_use]
    pub const fn from(self) -> OrderStatus {
        match self {
            Self::Pay | Self::Cancel | Self::Expire => OrderStatus::Pending,
            Self::Revive | Self::PayLate => OrderStatus::Expired,
            Self::MakeReady | Self::CompleteFromProcessing => OrderStatus::Processing,
            Self::CompleteFromReady => OrderStatus::Ready,
        }
    }

    /// The status after.
    #[must_use]
    pub const fn to(self) -> OrderStatus {
        match self {
            Self::Pay | Self::PayLate => OrderStatus::Processing,
            Self::Cancel => OrderStatus::Cancelled,
            Self::Expire => OrderStatus::Expired,
            Self::Revive => OrderStatus::Pending,
            Self::MakeReady => OrderStatus::Ready,
            Self::CompleteFromProcessing | Self::CompleteFromReady => OrderStatus::Completed,
        }
    }
}

/// The channel by which an order was placed.
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
    /// By staff at the counter.
    #[default]
    Pos,
    /// By the guest at a self-service kiosk.
    Kiosk,
}

/// Where the guest eats and drinks it.
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
    /// Elsewhere: it is packed.
    #[default]
    Takeaway,
    /// At a table.
    DineIn,
}

/// Whether Inventory holds the stock of an order.
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
    /// Inventory was unavailable when the order was placed, and reserves it when it is back.
    Deferred,
    /// There was too little of it after the order had been accepted: a person must decide.
    Short,
}

/// `POST /api/Order` (step 1): what a client asks for. Nothing of it is trusted before it is priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// The order's id, if the client chooses it: a retry after any failure is then the same order. Absent: it follows
    /// from the Idempotency-Key, or is new if there is no key. Not the nil UUID.
    #[serde(default)]
    pub order_id: Option<OrderId>,
    /// What is ordered: 1 to 200 lines.
    #[schema(min_items = 1, max_items = 200)]
    pub items: Vec<PlaceOrderItem>,
    /// The total that the client showed. An order whose total differs is refused with the server's own.
    pub total_amount: Amount,
    /// The channel by which it is placed. Absent: KIOSK if a kiosk places it, else POS. A kiosk's is never POS; staff may
    /// enter an order as a KIOSK's, for the guest of a kiosk that failed.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// Where the guest eats and drinks it. Absent: TAKEAWAY.
    #[serde(default)]
    pub dining_option: Option<DiningOption>,
    /// The name to call out, at most 80 characters.
    #[serde(default)]
    #[schema(max_length = 80)]
    pub customer_name: Option<String>,
    /// The table to bring it to, at most 40 characters.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub table: Option<String>,
}

/// One line of [`PlaceOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrderItem {
    /// Which product.
    pub product_id: ProductId,
    /// How many, 1 to 999.
    #[schema(minimum = 1, maximum = 999)]
    pub quantity: i64,
    /// The chosen options, each once, from the product's option groups.
    #[serde(default)]
    #[schema(max_items = 512)]
    pub options: Vec<OptionId>,
    /// What the guest asks for in words, at most 160 characters.
    #[serde(default)]
    #[schema(max_length = 160)]
    pub note: Option<String>,
}

/// `PATCH /api/Order/{orderId}`: a field that is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeOrder {
    /// READY, COMPLETED, or PENDING to revive an expired order.
    #[serde(default)]
    #[schema(schema_with = settable_status)]
    pub status: Option<OrderStatus>,
    /// The name to call out, at most 80 characters. Empty removes it.
    #[serde(default)]
    #[schema(max_length = 80)]
    pub customer_name: Option<String>,
    /// The table to bring it to, at most 40 characters. Empty removes it.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub table: Option<String>,
}

/// The statuses that a client can set. A payment and time set the others.
fn settable_status() -> Schema {
    let settable = [OrderStatus::Ready, OrderStatus::Completed, OrderStatus::Pending];
    let values = settable.into_iter().map(<&str>::from).map(Some).chain([None]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("READY, COMPLETED, or PENDING to revive an expired order."))
        .enum_values(Some(values))
        .into()
}

/// An order as clients and other services see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// Its id.
    pub order_id: OrderId,
    /// What people call it: the letter of the device that placed it, and a count for each business day, `A-0042`.
    pub order_number: String,
    /// Its status.
    pub status: OrderStatus,
    /// The channel by which it was placed.
    pub channel: Channel,
    /// Who placed it, and on which device: a guest at a kiosk is the kiosk.
    pub placed_by: Actor,
    /// Where the guest eats and drinks it.
    pub dining_option: DiningOption,
    /// The name to call out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The table to bring it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Its lines, in the order of the request.
    pub items: Vec<OrderItemView>,
    /// What it costs, part by part.
    pub price: PriceView,
    /// Whether Inventory holds its stock.
    pub stock: StockCheck,
    /// The business day of its sale.
    pub business_day: BusinessDay,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it expires. Absent unless it is PENDING.
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
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Grows with every change, from 1.
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
    /// The chosen options.
    pub options: Vec<ChosenOption>,
    /// What the guest asked for in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether a machine pours it.
    pub is_dispensable: bool,
    /// How many a machine has poured.
    pub poured: u32,
    /// How many are in review: a person decides whether they were poured.
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
    /// What is deducted, as a positive number.
    pub discount: Amount,
    /// The service charge.
    pub service: Amount,
    /// The tax of each rate.
    pub taxes: Vec<TaxView>,
    /// Their sum. Part of the total already if prices include tax.
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

impl From<&Price> for PriceView {
    fn from(price: &Price) -> Self {
        let tax_view = |tax: &TaxAmount| TaxView {
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
pub fn dispensable_cups(items: &[OrderItemView]) -> u32 {
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
    /// Its status.
    pub status: OrderStatus,
    /// Its version.
    pub version: i64,
    /// How many cups of it machines pour.
    pub cups: u32,
    /// What is owed.
    pub total: Amount,
    /// In which currency.
    pub currency: Currency,
    /// The device that placed it: a kiosk pays only its own orders. Absent: one that is not paired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::{
        OrderStatus::{self, Cancelled, Completed, Expired, Pending, Processing, Ready},
        OrderTransition,
    };

    #[test]
    fn an_order_goes_only_the_ways_that_the_design_names() {
        let pairs = OrderStatus::VARIANTS.iter().flat_map(|from| OrderStatus::VARIANTS.iter().map(|to| (*from, *to)));
        let legal: Vec<_> = pairs.filter(|(from, to)| from.can_transition_to(*to)).collect();
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
        assert_eq!(OrderTransition::VARIANTS.len(), legal.len(), "each way has one name");
    }
}
