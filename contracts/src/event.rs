//! Events: CloudEvents 1.0 in JSON, their routing keys, and who hears them.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    ids::{EventId, InventoryId, OrderId, PaymentId, ProductId},
    inventory::Shortage,
    money::{Amount, Currency},
    order::{OrderView, StockCheck},
    payment::PaymentMethod,
    product::ProductCard,
    qr::{CodeView, DispenseOutcome},
    shop::ShopSettings,
    time::{BusinessDay, Micros},
};

/// The topic exchange of every event.
pub const EXCHANGE: &str = "fb_automation_events";

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// An order was placed.
    OrderCreated,
    /// An expired order lives again, with all it had.
    OrderRevived,
    /// A person gave an order up.
    OrderCancelled,
    /// Time gave an order up.
    OrderExpired,
    /// An order's every unit is with its guest.
    OrderCompleted,
    /// An order changed: its state, not a difference.
    OrderChanged,
    /// An order's money is here.
    PaymentCompleted,
    /// Money came for an order that takes none.
    PaymentOrphaned,
    /// A product changed: its card.
    ProductChanged,
    /// An item of stock fell to its low level.
    InventoryLow,
    /// An order that was let through has too little stock.
    StockShort,
    /// An order's codes, whenever one is issued, replaced or given back.
    CodesIssued,
    /// A machine poured a cup.
    DispenseCompleted,
    /// A machine did not, or not whole: a person must look.
    DispenseFailed,
    /// The shop trades by other settings.
    ShopChanged,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::OrderCreated,
        Self::OrderRevived,
        Self::OrderCancelled,
        Self::OrderExpired,
        Self::OrderCompleted,
        Self::OrderChanged,
        Self::PaymentCompleted,
        Self::PaymentOrphaned,
        Self::ProductChanged,
        Self::InventoryLow,
        Self::StockShort,
        Self::CodesIssued,
        Self::DispenseCompleted,
        Self::DispenseFailed,
        Self::ShopChanged,
    ];

    /// The `type` of the CloudEvent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderCreated => "OrderCreated",
            Self::OrderRevived => "OrderRevived",
            Self::OrderCancelled => "OrderCancelled",
            Self::OrderExpired => "OrderExpired",
            Self::OrderCompleted => "OrderCompleted",
            Self::OrderChanged => "OrderChanged",
            Self::PaymentCompleted => "PaymentCompleted",
            Self::PaymentOrphaned => "PaymentOrphaned",
            Self::ProductChanged => "ProductChanged",
            Self::InventoryLow => "InventoryLow",
            Self::StockShort => "StockShort",
            Self::CodesIssued => "CodesIssued",
            Self::DispenseCompleted => "DispenseCompleted",
            Self::DispenseFailed => "DispenseFailed",
            Self::ShopChanged => "ShopChanged",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The key that the exchange routes by.
    #[must_use]
    pub const fn routing_key(self) -> &'static str {
        match self {
            Self::OrderCreated => "order.created",
            Self::OrderRevived => "order.revived",
            Self::OrderCancelled => "order.cancelled",
            Self::OrderExpired => "order.expired",
            Self::OrderCompleted => "order.completed",
            Self::OrderChanged => "order.changed",
            Self::PaymentCompleted => "payment.completed",
            Self::PaymentOrphaned => "order.payment_orphaned",
            Self::ProductChanged => "product.changed",
            Self::InventoryLow => "inventory.low",
            Self::StockShort => "inventory.short",
            Self::CodesIssued => "qr.issued",
            Self::DispenseCompleted => "qr.dispensed",
            Self::DispenseFailed => "qr.dispense_failed",
            Self::ShopChanged => "shop.changed",
        }
    }

    /// The `source` of the CloudEvent: the service that says it.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::OrderCreated
            | Self::OrderRevived
            | Self::OrderCancelled
            | Self::OrderExpired
            | Self::OrderCompleted
            | Self::OrderChanged
            | Self::PaymentOrphaned => "/order",
            Self::PaymentCompleted => "/payment",
            Self::ProductChanged => "/product",
            Self::InventoryLow | Self::StockShort => "/inventory",
            Self::CodesIssued | Self::DispenseCompleted | Self::DispenseFailed => "/qr",
            Self::ShopChanged => "/gateway",
        }
    }
}

/// The queues of the exchange: one for each service that acts on events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Order's.
    Order,
    /// Payment's.
    Payment,
    /// Inventory's.
    Inventory,
    /// QR's.
    Qr,
    /// Analytics', which hears all.
    Analytics,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 5] = [Self::Order, Self::Payment, Self::Inventory, Self::Qr, Self::Analytics];

    /// The queue's name at the broker.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order_events",
            Self::Payment => "payment_events",
            Self::Inventory => "inventory_events",
            Self::Qr => "qr_events",
            Self::Analytics => "analytics_events",
        }
    }

    /// What is delivered to it.
    #[must_use]
    pub const fn hears(self) -> &'static [EventKind] {
        use EventKind as Kind;
        match self {
            Self::Order => &[
                Kind::PaymentCompleted,
                Kind::CodesIssued,
                Kind::DispenseCompleted,
                Kind::DispenseFailed,
                Kind::StockShort,
                Kind::ProductChanged,
            ],
            Self::Payment => &[
                Kind::OrderCreated,
                Kind::OrderRevived,
                Kind::OrderCancelled,
                Kind::OrderExpired,
                Kind::PaymentOrphaned,
            ],
            Self::Inventory | Self::Qr => &[
                Kind::OrderCreated,
                Kind::OrderRevived,
                Kind::OrderCancelled,
                Kind::OrderExpired,
                Kind::OrderCompleted,
                Kind::PaymentCompleted,
            ],
            Self::Analytics => &Kind::ALL,
        }
    }
}

/// A CloudEvent as it travels and as the outbox keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloudEvent {
    /// The version of the CloudEvents specification: `1.0`.
    pub specversion: String,
    /// Its id: a consumer acts on it once.
    pub id: EventId,
    /// The service that says it.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// What it happened to: an id.
    pub subject: String,
    /// When.
    pub time: Micros,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The data of its kind.
    pub data: Box<RawValue>,
}

/// The data of one kind of event.
pub trait EventData: Serialize + DeserializeOwned {
    /// Its kind.
    const KIND: EventKind;

    /// The id of what it happened to.
    fn subject(&self) -> String;
}

impl CloudEvent {
    /// An event of `data` that happened at `time`.
    ///
    /// # Errors
    /// Where the data cannot be written as JSON.
    pub fn new<D: EventData>(data: &D, time: Micros) -> Result<Self, serde_json::Error> {
        Ok(Self {
            specversion: "1.0".into(),
            id: EventId::new(time),
            source: D::KIND.source().into(),
            kind: D::KIND,
            subject: data.subject(),
            time,
            datacontenttype: "application/json".into(),
            data: serde_json::value::to_raw_value(data)?,
        })
    }

    /// The data, read as that of its kind.
    ///
    /// # Errors
    /// Where it is another kind's, or of a shape that this version does not know.
    pub fn data<D: EventData>(&self) -> Result<D, serde_json::Error> {
        if self.kind != D::KIND {
            let mismatch = format!("the event is {}, not {}", self.kind.name(), D::KIND.name());
            return Err(serde::de::Error::custom(mismatch));
        }
        serde_json::from_str(self.data.get())
    }
}

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
    pub at: Micros,
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
}

/// An order's every unit is with its guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCompleted {
    /// Which order.
    pub order_id: OrderId,
    /// Its version.
    pub order_version: i64,
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
    /// How.
    pub method: PaymentMethod,
    /// The order's total.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub paid_at: Micros,
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

/// A machine did not pour a cup, or not whole: the code is in REVIEW.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseFailed {
    /// The code, in REVIEW.
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
