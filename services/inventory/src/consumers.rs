//! The events that Inventory consumes: an order's life, and its payment.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::{
    event::{
        OrderCancelled, OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted, PlacedOrder, Queue,
    },
    inventory::ReserveItem,
};
use db::Db;
use host::{Event, EventConsumer, retry};

use crate::{
    NAME,
    commands::Inventory,
    model::{Said, merged},
};

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
    let placed = &event.data.0;
    inventory.hear(event.delivery(), placed.order_id, said_placed(placed)).await.map_err(retry)
}

async fn on_order_revived(inventory: Inventory, event: Event<OrderRevived>) -> Result<(), ConsumeError> {
    let placed = &event.data.0;
    inventory.hear(event.delivery(), placed.order_id, said_placed(placed)).await.map_err(retry)
}

async fn on_order_cancelled(inventory: Inventory, event: Event<OrderCancelled>) -> Result<(), ConsumeError> {
    let closed = Said::Closed { order_version: event.data.order_version };
    inventory.hear(event.delivery(), event.data.order_id, closed).await.map_err(retry)
}

async fn on_order_expired(inventory: Inventory, event: Event<OrderExpired>) -> Result<(), ConsumeError> {
    let closed = Said::Closed { order_version: event.data.order_version };
    inventory.hear(event.delivery(), event.data.order_id, closed).await.map_err(retry)
}

async fn on_order_completed(inventory: Inventory, event: Event<OrderCompleted>) -> Result<(), ConsumeError> {
    let completed = Said::Completed { order_version: event.data.order_version };
    inventory.hear(event.delivery(), event.data.order_id, completed).await.map_err(retry)
}

async fn on_payment_completed(inventory: Inventory, event: Event<PaymentCompleted>) -> Result<(), ConsumeError> {
    inventory.hear(event.delivery(), event.data.order_id, Said::Paid).await.map_err(retry)
}

fn said_placed(order: &PlacedOrder) -> Said {
    let items = order.items.iter().map(|item| ReserveItem {
        product_id: item.product_id,
        quantity: item.quantity,
        options: item.options.clone(),
        dispense_ml: item.dispense_ml,
    });
    Said::Placed { order_version: order.order_version, items: merged(items) }
}
