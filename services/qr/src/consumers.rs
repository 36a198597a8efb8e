//! The events of `qr_events`: the changes of an order, its payment, and devices. Each handler calls one command.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::event::{
    DeviceChanged, OrderCancelled, OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, Queue,
};
use db::Db;
use host::{Event, EventConsumer, retry};

use crate::{
    NAME,
    commands::{ClosedOrder, Codes},
};

/// The consumer of `qr_events`.
pub(crate) fn consumer(db: &Db, codes: Codes) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Qr, db, codes)
        .on(on_order_created)
        .on(on_order_revived)
        .on(on_payment_completed)
        .on(on_order_cancelled)
        .on(on_order_expired)
        .on(on_order_completed)
        .on(on_device_changed)
        .build()
}

async fn on_order_created(codes: Codes, event: Event<OrderCreated>) -> Result<(), ConsumeError> {
    codes.issue_codes(event.delivery(), event.data.0).await.map_err(retry)
}

async fn on_order_revived(codes: Codes, event: Event<OrderRevived>) -> Result<(), ConsumeError> {
    codes.issue_codes(event.delivery(), event.data.0).await.map_err(retry)
}

async fn on_payment_completed(codes: Codes, event: Event<PaymentCompleted>) -> Result<(), ConsumeError> {
    codes.activate_codes(event.delivery(), event.data).await.map_err(retry)
}

async fn on_order_cancelled(codes: Codes, event: Event<OrderCancelled>) -> Result<(), ConsumeError> {
    let OrderCancelled { order_id, order_version, cups, .. } = event.data;
    codes.void_codes(event.delivery(), ClosedOrder { order_id, order_version, cups }).await.map_err(retry)
}

async fn on_order_expired(codes: Codes, event: Event<OrderExpired>) -> Result<(), ConsumeError> {
    let OrderExpired { order_id, order_version, cups } = event.data;
    codes.void_codes(event.delivery(), ClosedOrder { order_id, order_version, cups }).await.map_err(retry)
}

async fn on_order_completed(codes: Codes, event: Event<OrderCompleted>) -> Result<(), ConsumeError> {
    let OrderCompleted { order_id, order_version, cups } = event.data;
    codes.void_codes(event.delivery(), ClosedOrder { order_id, order_version, cups }).await.map_err(retry)
}

async fn on_device_changed(codes: Codes, event: Event<DeviceChanged>) -> Result<(), ConsumeError> {
    codes.record_device(event.delivery(), event.data.0).await.map_err(retry)
}
