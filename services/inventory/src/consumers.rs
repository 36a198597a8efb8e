//! The events that Inventory consumes: the changes of an order, and its payment.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::event::{
    OrderCancelled, OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, Queue,
};
use db::Db;
use host::{Event, EventConsumer, retry};

use crate::{NAME, commands::Inventory};

/// The consumer of `inventory_events`.
pub(crate) fn consumer(db: &Db, inventory: Inventory) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Inventory, db, inventory)
        .on(on_order_created)
        .on(on_order_revived)
        .on(on_order_cancelled)
        .on(on_order_expired)
        .on(on_order_completed)
        .on(on_payment_completed)
        .build()
}

async fn on_order_created(inventory: Inventory, event: Event<OrderCreated>) -> Result<(), ConsumeError> {
    inventory.record_placed_order(event.delivery(), event.data.0).await.map_err(retry)
}

async fn on_order_revived(inventory: Inventory, event: Event<OrderRevived>) -> Result<(), ConsumeError> {
    inventory.record_placed_order(event.delivery(), event.data.0).await.map_err(retry)
}

async fn on_order_cancelled(inventory: Inventory, event: Event<OrderCancelled>) -> Result<(), ConsumeError> {
    let OrderCancelled { order_id, order_version, .. } = event.data;
    inventory.record_closed_order(event.delivery(), order_id, order_version).await.map_err(retry)
}

async fn on_order_expired(inventory: Inventory, event: Event<OrderExpired>) -> Result<(), ConsumeError> {
    let OrderExpired { order_id, order_version, .. } = event.data;
    inventory.record_closed_order(event.delivery(), order_id, order_version).await.map_err(retry)
}

async fn on_order_completed(inventory: Inventory, event: Event<OrderCompleted>) -> Result<(), ConsumeError> {
    let OrderCompleted { order_id, order_version, .. } = event.data;
    inventory.record_completed_order(event.delivery(), order_id, order_version).await.map_err(retry)
}

async fn on_payment_completed(inventory: Inventory, event: Event<PaymentCompleted>) -> Result<(), ConsumeError> {
    inventory.record_payment(event.delivery(), event.data).await.map_err(retry)
}
