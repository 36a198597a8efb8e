//! What each kind of event carries.

use serde::{Deserialize, Serialize};

use super::{EventData, EventKind};
use crate::{
    ids::{InventoryId, OptionId, OrderId, PaymentId, ProductId},
    inventory::Shortage,
    money::{Amount, Currency},
    order::{OrderView, StockCheck},
    payment::PaymentMethod,
    product::ProductCard,
    qr::{CodeView, DispenseOutcome},
    shop::ShopSettings,
    time::{BusinessDay, Timestamp},
};

/// An order as others need it to act: the data of OrderCreated and of OrderRevived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Its version: an older event no longer counts.
    pub order_version: i64,
    /// What people call it.
    pub order_number: String,
    /// The day whose sales it belongs to.
    pub business_day: BusinessDay,
    /// What is owed.
    pub total: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Whether Inventory was asked for its stock.
    pub stock: StockCheck,
    /// What was ordered.
    pub items: Vec<PlacedItem>,
    /// When it was placed, or revived.
    pub at: Timestamp,
}

impl PlacedOrder {
    /// How many cups of it machines pour.
    #[must_use]
    pub fn cups(&self) -> u32 {
        self.items.iter().filter(|item| item.dispense_ml.is_some()).map(|item| item.quantity).sum()
    }
}

/// One line of a [`PlacedOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedItem {
    /// Its place in the order, from 1.
    pub line: u32,
    /// Which product.
    pub product_id: ProductId,
    /// What it was called.
    pub product_name: String,
    /// How many.
    pub quantity: u32,
    /// The options chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionId>,
    /// How much a machine pours of one, in millilitres. Absent: no machine does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_ml: Option<u32>,
}

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderCreated(pub PlacedOrder);

/// An expired order lives again, with all it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderRevived(pub PlacedOrder);

/// A person gave an order up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// Which order.
    pub order_id: OrderId,
    /// Its version.
    pub order_version: i64,
    /// How many cups of it machines pour: with none, QR has nothing to do.
    pub cups: u32,
    /// Why.
    pub reason: String,
}

/// Time gave an order up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderExpired {
    /// Which order.
    pub order_id: OrderId,
    /// Its version.
    pub order_version: i64,
    /// How many cups of it machines pour: with none, QR has nothing to do.
    pub cups: u32,
}

/// An order's every unit is with its guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCompleted {
    /// Which order.
    pub order_id: OrderId,
    /// Its version.
    pub order_version: i64,
    /// How many cups of it machines pour: with none, QR has nothing to do.
    pub cups: u32,
}

/// An order changed: its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderChanged(pub OrderView);

/// An order's money is here (step 18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCompleted {
    /// Which order.
    pub order_id: OrderId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// How many cups of it machines pour: with none, QR has nothing to do.
    pub cups: u32,
    /// How.
    pub method: PaymentMethod,
    /// The order's total.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub paid_at: Timestamp,
    /// Whether no real money moved.
    pub is_test: bool,
}

/// Money came for an order that takes none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentOrphaned {
    /// Which order.
    pub order_id: OrderId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// Why the order takes none.
    pub reason: String,
}

/// A product changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProductChanged(pub ProductCard);

/// An item of stock fell to its low level; said once for each time that it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryLow {
    /// Which item.
    pub inventory_id: InventoryId,
    /// What the storeroom calls it.
    pub name: String,
    /// What one of it is.
    pub unit: String,
    /// What is there.
    pub on_hand: i64,
    /// The level at which this is said.
    pub low_level: i64,
}

/// An order that was let through has too little stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockShort {
    /// Which order.
    pub order_id: OrderId,
    /// The version that Inventory knows it by: of an order that was revived since, it says nothing.
    pub order_version: i64,
    /// What is missing.
    pub shortages: Vec<Shortage>,
}

/// An order's codes as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodesIssued {
    /// Which order.
    pub order_id: OrderId,
    /// The codes that changed; each has its cup's version.
    pub codes: Vec<CodeView>,
}

/// A machine poured a cup, or a person said that it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseCompleted {
    /// The code, USED.
    pub code: CodeView,
    /// For how long the pump ran, in milliseconds, where a machine said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poured_ms: Option<u32>,
}

/// A person must look at a cup: a machine did not pour it, or not whole, and the code is in REVIEW; or a machine reported
/// late that it poured, and the code went on meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseFailed {
    /// The code: in REVIEW, or where it went on to.
    pub code: CodeView,
    /// How it ended. Absent: the machine lost its journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DispenseOutcome>,
    /// For how long the pump ran, in milliseconds, where the machine knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poured_ms: Option<u32>,
}

/// The shop trades by other settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopChanged {
    /// Grows with every change; the newer wins.
    pub version: i64,
    /// The whole document.
    pub settings: ShopSettings,
}

impl EventData for OrderCreated {
    const KIND: EventKind = EventKind::OrderCreated;
    fn subject(&self) -> String {
        self.0.order_id.to_string()
    }
}
impl EventData for OrderRevived {
    const KIND: EventKind = EventKind::OrderRevived;
    fn subject(&self) -> String {
        self.0.order_id.to_string()
    }
}
impl EventData for OrderCancelled {
    const KIND: EventKind = EventKind::OrderCancelled;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for OrderExpired {
    const KIND: EventKind = EventKind::OrderExpired;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for OrderCompleted {
    const KIND: EventKind = EventKind::OrderCompleted;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for OrderChanged {
    const KIND: EventKind = EventKind::OrderChanged;
    fn subject(&self) -> String {
        self.0.order_id.to_string()
    }
}
impl EventData for PaymentCompleted {
    const KIND: EventKind = EventKind::PaymentCompleted;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for PaymentOrphaned {
    const KIND: EventKind = EventKind::PaymentOrphaned;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for ProductChanged {
    const KIND: EventKind = EventKind::ProductChanged;
    fn subject(&self) -> String {
        self.0.product_id.to_string()
    }
}
impl EventData for InventoryLow {
    const KIND: EventKind = EventKind::InventoryLow;
    fn subject(&self) -> String {
        self.inventory_id.to_string()
    }
}
impl EventData for StockShort {
    const KIND: EventKind = EventKind::StockShort;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for CodesIssued {
    const KIND: EventKind = EventKind::CodesIssued;
    fn subject(&self) -> String {
        self.order_id.to_string()
    }
}
impl EventData for DispenseCompleted {
    const KIND: EventKind = EventKind::DispenseCompleted;
    fn subject(&self) -> String {
        self.code.order_id.to_string()
    }
}
impl EventData for DispenseFailed {
    const KIND: EventKind = EventKind::DispenseFailed;
    fn subject(&self) -> String {
        self.code.order_id.to_string()
    }
}
impl EventData for ShopChanged {
    const KIND: EventKind = EventKind::ShopChanged;
    fn subject(&self) -> String {
        "shop".into()
    }
}
