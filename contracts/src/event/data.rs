//! The data of each kind of event.

use serde::{Deserialize, Serialize};

use super::{EventData, EventKind};
use crate::{
    audit::{Actor, AuditEntry},
    device::DeviceView,
    ids::{DeviceId, InventoryId, OptionId, OrderId, PaymentId, ProductId, SessionId, TokenKeyId},
    inventory::Shortage,
    money::{Amount, Currency},
    order::{OrderView, StockCheck},
    payment::PaymentMethod,
    product::ProductCard,
    qr::{CodeView, DispenseOutcome},
    shop::ShopSettings,
    time::{BusinessDay, Timestamp},
};

/// The parts of an order that other services need: the data of OrderCreated and of OrderRevived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedOrder {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order after the change. Consumers ignore older versions.
    pub order_version: i64,
    /// The number that people see, such as `A-0042`.
    pub order_number: String,
    /// The business day of its sale.
    pub business_day: BusinessDay,
    /// The amount to pay.
    pub total: Amount,
    /// The currency of the amount.
    pub currency: Currency,
    /// Whether Inventory reserved its stock.
    pub stock: StockCheck,
    /// The items of the order.
    pub items: Vec<PlacedItem>,
    /// Who placed it, and on which device. A kiosk sees and pays only its own orders.
    pub placed_by: Actor,
    /// When it was placed or revived.
    pub at: Timestamp,
}

impl PlacedOrder {
    /// The device that placed it. `None`: one that is not paired.
    #[must_use]
    pub fn device_id(&self) -> Option<DeviceId> {
        self.placed_by.device.as_ref().map(|device| device.device_id)
    }

    /// How many cups of the order machines pour.
    #[must_use]
    pub fn cups(&self) -> u32 {
        self.items.iter().filter(|item| item.dispense_ml.is_some()).map(|item| item.quantity).sum()
    }
}

/// An item of a [`PlacedOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedItem {
    /// The line number in the order, from 1.
    pub line: u32,
    /// The product.
    pub product_id: ProductId,
    /// The name of the product when it was ordered.
    pub product_name: String,
    /// The number of units.
    pub quantity: u32,
    /// The chosen options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionId>,
    /// How much a machine pours for one unit, in millilitres. Absent if no machine pours it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispense_ml: Option<u32>,
}

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderCreated(pub PlacedOrder);

/// An expired order is open again, with all its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderRevived(pub PlacedOrder);

/// A person cancelled an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order after the change.
    pub order_version: i64,
    /// How many cups of the order machines pour. If there are none, QR has nothing to do.
    pub cups: u32,
    /// The reason that the person gave.
    pub reason: String,
}

/// An order was not paid in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderExpired {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order after the change.
    pub order_version: i64,
    /// How many cups of the order machines pour. If there are none, QR has nothing to do.
    pub cups: u32,
}

/// Every unit of an order was handed to its guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCompleted {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order after the change.
    pub order_version: i64,
    /// How many cups of the order machines pour. If there are none, QR has nothing to do.
    pub cups: u32,
}

/// An order changed: its whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderChanged(pub OrderView);

/// An order was paid (step 18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCompleted {
    /// The order.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
    /// How many cups of the order machines pour. If there are none, QR has nothing to do.
    pub cups: u32,
    /// How it was paid.
    pub method: PaymentMethod,
    /// The total of the order.
    pub amount: Amount,
    /// The currency of the amount.
    pub currency: Currency,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// Whether the payment is a test, without real money.
    pub is_test: bool,
}

/// An order was paid that accepts no payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentOrphaned {
    /// The order.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
    /// Why the order accepts no payment.
    pub reason: String,
}

/// A product changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProductChanged(pub ProductCard);

/// An inventory item fell to its low level. Published once for each fall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryLow {
    /// The inventory item.
    pub inventory_id: InventoryId,
    /// The name of the item.
    pub name: String,
    /// The unit that it is counted in.
    pub unit: String,
    /// The stock on hand.
    pub on_hand: i64,
    /// The level at which the event is published.
    pub low_level: i64,
}

/// An order that was accepted without a reservation has too little stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockShort {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order that Inventory checked. It does not apply to an order that was revived since.
    pub order_version: i64,
    /// The items that are missing.
    pub shortages: Vec<Shortage>,
}

/// Codes of an order were issued, replaced or voided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodesIssued {
    /// The order.
    pub order_id: OrderId,
    /// The codes that changed, each with the version of its cup.
    pub codes: Vec<CodeView>,
}

/// A machine poured a cup, or a person confirmed that it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseCompleted {
    /// The code, USED.
    pub code: CodeView,
    /// How long the pump ran, in milliseconds, if a machine reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poured_ms: Option<u32>,
}

/// A person must look at a cup. Either a machine did not pour it, or only a part of it, and the code is in REVIEW; or a
/// machine reported a pour late, when the code had another status already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseFailed {
    /// The code, in REVIEW or in the status that it reached meanwhile.
    pub code: CodeView,
    /// The outcome. Absent if the machine lost its journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DispenseOutcome>,
    /// How long the pump ran, in milliseconds, if the machine reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poured_ms: Option<u32>,
}

/// The shop's settings changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopChanged {
    /// Grows with every change. The highest version wins.
    pub version: i64,
    /// The complete settings.
    pub settings: ShopSettings,
}

/// A device was paired, changed or revoked: its whole state. Its version orders the changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceChanged(pub DeviceView);

/// A session ended before its tokens did: the person signed out, or may no longer be signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionEnded {
    /// The session.
    pub session_id: SessionId,
    /// When its tokens end by themselves.
    pub expires_at: Timestamp,
}

/// Tokens can be signed with another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenKeyAdded {
    /// The key's id, which its tokens name.
    pub key_id: TokenKeyId,
    /// The public key (Ed25519): 32 bytes in base64url.
    pub public_key: String,
    /// When every token that it signed has ended.
    pub expires_at: Timestamp,
}

/// A person or a device did something that the audit trail keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActAudited(pub AuditEntry);

impl EventData for DeviceChanged {
    const KIND: EventKind = EventKind::DeviceChanged;
    fn subject(&self) -> String {
        self.0.device_id.to_string()
    }
}
impl EventData for SessionEnded {
    const KIND: EventKind = EventKind::SessionEnded;
    fn subject(&self) -> String {
        self.session_id.to_string()
    }
}
impl EventData for TokenKeyAdded {
    const KIND: EventKind = EventKind::TokenKeyAdded;
    fn subject(&self) -> String {
        self.key_id.to_string()
    }
}
impl EventData for ActAudited {
    const KIND: EventKind = EventKind::ActAudited;
    fn subject(&self) -> String {
        self.0.subject.clone()
    }
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
