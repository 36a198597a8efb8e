//! Events: CloudEvents 1.0 in JSON, their routing keys, and who hears them.

mod data;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{ids::EventId, time::Timestamp};

pub use data::{
    CodesIssued, DispenseCompleted, DispenseFailed, InventoryLow, OrderCancelled, OrderChanged, OrderCompleted,
    OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, PaymentOrphaned, PlacedItem, PlacedOrder,
    ProductChanged, ShopChanged, StockShort,
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
    pub const fn subscriptions(self) -> &'static [EventKind] {
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
    pub time: Timestamp,
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
    pub fn new<D: EventData>(data: &D, time: Timestamp) -> Result<Self, serde_json::Error> {
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
