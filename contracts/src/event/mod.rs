//! Events: CloudEvents 1.0 in JSON, their routing keys, and the queues that subscribe to them.

mod data;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use strum::{Display, IntoStaticStr, VariantArray};

use crate::{ids::EventId, time::Timestamp};

pub use data::{
    ActAudited, CodesIssued, DeviceChanged, DispenseCompleted, DispenseFailed, InventoryLow, OrderCancelled,
    OrderChanged, OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, PaymentOrphaned,
    PlacedItem, PlacedOrder, ProductChanged, SessionEnded, ShopChanged, StockShort, TokenKeyAdded,
};

/// The topic exchange of every event.
pub const EXCHANGE: &str = "fb_automation_events";

/// The kinds of events. The name of a kind is the `type` of its CloudEvent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
pub enum EventKind {
    /// An order was placed.
    OrderCreated,
    /// An expired order is open again, with all its items.
    OrderRevived,
    /// A person cancelled an order.
    OrderCancelled,
    /// An order was not paid in time.
    OrderExpired,
    /// Every unit of an order was handed to its guest.
    OrderCompleted,
    /// An order changed: its whole state, not a difference.
    OrderChanged,
    /// An order was paid.
    PaymentCompleted,
    /// An order was paid that accepts no payment.
    PaymentOrphaned,
    /// A product changed: its card.
    ProductChanged,
    /// An inventory item fell to its low level.
    InventoryLow,
    /// An order that was accepted without a reservation has too little stock.
    StockShort,
    /// Codes of an order were issued, replaced or voided.
    CodesIssued,
    /// A machine poured a cup.
    DispenseCompleted,
    /// A machine did not pour a cup, or only a part of it: a person must look.
    DispenseFailed,
    /// The shop's settings changed.
    ShopChanged,
    /// A device was paired, changed or revoked: its whole state.
    DeviceChanged,
    /// A session ended before its tokens did: they are no longer valid.
    SessionEnded,
    /// Tokens can be signed with another key.
    TokenKeyAdded,
    /// A person or a device did something that the audit trail keeps.
    ActAudited,
}

impl EventKind {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The `type` of the CloudEvent.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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
            Self::DeviceChanged => "device.changed",
            Self::SessionEnded => "session.ended",
            Self::TokenKeyAdded => "token_key.added",
            Self::ActAudited => "audit.recorded",
        }
    }

    /// The `source` of the CloudEvent: the service that publishes it. Every service publishes acts.
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
            Self::ShopChanged | Self::DeviceChanged | Self::SessionEnded | Self::TokenKeyAdded => "/gateway",
            Self::ActAudited => "/audit",
        }
    }
}

/// The queues of the exchange: one for each service that consumes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Queue {
    /// Consumed by Order.
    Order,
    /// Consumed by Payment.
    Payment,
    /// Consumed by Inventory.
    Inventory,
    /// Consumed by QR.
    Qr,
    /// Consumed by Analytics, which subscribes to every kind.
    Analytics,
    /// Consumed by the gateway, which keeps the audit trail.
    Gateway,
}

impl Queue {
    /// Every queue.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The queue's name at the broker.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order_events",
            Self::Payment => "payment_events",
            Self::Inventory => "inventory_events",
            Self::Qr => "qr_events",
            Self::Analytics => "analytics_events",
            Self::Gateway => "gateway_events",
        }
    }

    /// The kinds of events that are delivered to the queue.
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
            Self::Inventory => &[
                Kind::OrderCreated,
                Kind::OrderRevived,
                Kind::OrderCancelled,
                Kind::OrderExpired,
                Kind::OrderCompleted,
                Kind::PaymentCompleted,
            ],
            Self::Qr => &[
                Kind::OrderCreated,
                Kind::OrderRevived,
                Kind::OrderCancelled,
                Kind::OrderExpired,
                Kind::OrderCompleted,
                Kind::PaymentCompleted,
                Kind::DeviceChanged,
            ],
            Self::Gateway => &[Kind::ActAudited],
            Self::Analytics => Kind::ALL,
        }
    }
}

/// A CloudEvent, as the bus carries it and as the outbox keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloudEvent {
    /// The version of the CloudEvents specification: `1.0`.
    pub specversion: String,
    /// Unique for each event: a consumer acts on an id once.
    pub id: EventId,
    /// The service that publishes it.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The id of what it happened to.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The trace that the event belongs to, as a W3C `traceparent`: CloudEvents' distributed tracing extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
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
    /// An event of `data` that happened at `time`. It belongs to no trace until the outbox sets `traceparent`.
    ///
    /// # Errors
    /// If the data cannot be written as JSON.
    pub fn new<D: EventData>(data: &D, time: Timestamp) -> Result<Self, serde_json::Error> {
        Ok(Self {
            specversion: "1.0".into(),
            id: EventId::new(time),
            source: D::KIND.source().into(),
            kind: D::KIND,
            subject: data.subject(),
            time,
            datacontenttype: "application/json".into(),
            traceparent: None,
            data: serde_json::value::to_raw_value(data)?,
        })
    }

    /// The data as a `D`.
    ///
    /// # Errors
    /// If the event is of another kind, or its data has a shape that this version does not know.
    pub fn data<D: EventData>(&self) -> Result<D, serde_json::Error> {
        if self.kind != D::KIND {
            let mismatch = format!("the event is {}, not {}", self.kind.name(), D::KIND.name());
            return Err(serde::de::Error::custom(mismatch));
        }
        serde_json::from_str(self.data.get())
    }
}
