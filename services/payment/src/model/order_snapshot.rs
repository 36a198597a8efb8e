//! What Payment knows of an order: how much is due and whether it can be paid.

use std::time::Duration;

use contracts::{
    event::PlacedOrder,
    ids::{DeviceId, OrderId, PaymentId},
    money::{Money, MoneyError},
    order::{AmountDue, OrderStatus},
    payment::{CLOSE_CLOCK_TOLERANCE_SECONDS, CLOSE_SECONDS},
    time::Timestamp,
};

use crate::error::PaymentError;

/// An order at one of its versions, as Order answers it or as its events recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderSnapshot {
    pub(crate) order_id: OrderId,
    pub(crate) order_version: i64,
    pub(crate) order_number: String,
    pub(crate) total: Money,
    /// How many cups of it machines pour.
    pub(crate) cups: u32,
    /// The device that placed it. `None`: one that is not paired.
    pub(crate) device_id: Option<DeviceId>,
    pub(crate) state: OrderState,
}

/// Whether an order can be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderState {
    /// It can.
    Open,
    /// It is paid already, by this payment if that is known.
    Paid(Option<PaymentId>),
    /// A person cancelled it.
    Cancelled,
    /// It was not paid in time.
    Expired,
    /// It was cancelled or has expired; its row does not hold which of the two.
    Closed,
    /// Order is about to cancel or expire it.
    Closing,
}

/// An order's row in `amounts_due`. What is `None` is unknown: the order's end was recorded before its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AmountDueRow {
    pub(crate) order_id: OrderId,
    pub(crate) order_version: i64,
    pub(crate) is_open: bool,
    pub(crate) order_number: Option<String>,
    pub(crate) total: Option<Money>,
    pub(crate) cups: Option<u32>,
    /// The device that placed it. `None`: it is not paired, or `total` is unknown too.
    pub(crate) device_id: Option<DeviceId>,
    pub(crate) paid_payment_id: Option<PaymentId>,
    pub(crate) closing: Option<Closing>,
}

/// Order's announcement that it is about to close an order. It holds until the order has a later version, but no longer
/// than its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    /// The version that the order will have once it is closed.
    pub(crate) order_version: i64,
    pub(crate) until: Timestamp,
}

impl OrderSnapshot {
    /// The snapshot in Order's answer.
    pub(crate) fn from_amount_due(due: AmountDue) -> Result<Self, MoneyError> {
        let state = match due.status {
            OrderStatus::Pending => OrderState::Open,
            OrderStatus::Processing | OrderStatus::Ready | OrderStatus::Completed => OrderState::Paid(None),
            OrderStatus::Cancelled => OrderState::Cancelled,
            OrderStatus::Expired => OrderState::Expired,
        };
        Ok(Self {
            order_id: due.order_id,
            order_version: due.version,
            order_number: due.order_number,
            total: due.total.money(due.currency)?,
            cups: due.cups,
            device_id: due.device_id,
            state,
        })
    }

    /// The snapshot in OrderCreated or OrderRevived.
    pub(crate) fn from_placed_order(placed: &PlacedOrder) -> Result<Self, MoneyError> {
        Ok(Self {
            order_id: placed.order_id,
            order_version: placed.order_version,
            order_number: placed.order_number.clone(),
            total: placed.total.money(placed.currency)?,
            cups: placed.cups(),
            device_id: placed.device_id(),
            state: OrderState::Open,
        })
    }

    /// The snapshot that events recorded, for when Order is unavailable. `None`: they recorded too little.
    pub(crate) fn from_row(row: AmountDueRow, now: Timestamp) -> Option<Self> {
        let state = row.state(now);
        Some(Self {
            order_id: row.order_id,
            order_version: row.order_version,
            order_number: row.order_number?,
            total: row.total?,
            cups: row.cups?,
            device_id: row.device_id,
            state,
        })
    }

    /// Refuses an order that another device placed than the kiosk that pays, as if it did not exist.
    pub(crate) fn require_visible_to(&self, kiosk: Option<DeviceId>) -> Result<(), PaymentError> {
        match kiosk {
            Some(_) if self.device_id != kiosk => Err(PaymentError::UnknownOrder(self.order_id)),
            _ => Ok(()),
        }
    }

    /// Refuses an order that cannot be paid.
    pub(crate) fn require_open(&self) -> Result<(), PaymentError> {
        self.state.require_open(&self.order_number)
    }
}

impl AmountDueRow {
    fn state(&self, now: Timestamp) -> OrderState {
        match (self.paid_payment_id, self.is_open) {
            (Some(payment_id), _) => OrderState::Paid(Some(payment_id)),
            (None, true) if self.is_closing(now) => OrderState::Closing,
            (None, true) => OrderState::Open,
            (None, false) => OrderState::Closed,
        }
    }

    /// Whether Order is about to close it. A deadline further ahead than any that is set comes from a clock that ran ahead
    /// and was set back: it has passed.
    fn is_closing(&self, now: Timestamp) -> bool {
        let latest = now + Duration::from_secs(CLOSE_SECONDS + CLOSE_CLOCK_TOLERANCE_SECONDS);
        self.closing.is_some_and(|closing| {
            closing.order_version >= self.order_version && closing.until > now && closing.until <= latest
        })
    }

    /// Refuses an order that cannot be paid. `order_number` is for the refusal, because the row may lack it.
    pub(crate) fn require_open(&self, order_number: &str, now: Timestamp) -> Result<(), PaymentError> {
        self.state(now).require_open(order_number)
    }
}

impl OrderState {
    fn require_open(self, order_number: &str) -> Result<(), PaymentError> {
        let order = || order_number.to_owned();
        match self {
            Self::Open => Ok(()),
            Self::Paid(payment_id) => Err(PaymentError::AlreadyPaid { order: order(), payment_id }),
            Self::Cancelled => Err(PaymentError::OrderCancelled { order: order() }),
            Self::Expired => Err(PaymentError::OrderExpired { order: order() }),
            Self::Closed => Err(PaymentError::OrderClosed { order: order() }),
            Self::Closing => Err(PaymentError::OrderClosing { order: order() }),
        }
    }
}
