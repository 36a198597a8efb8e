//! What Inventory hears: an order's life, and its payment.

use std::sync::Arc;

use bus::ConsumeError;
use contracts::{
    event::{
        CloudEvent, EventKind, OrderCancelled, OrderCompleted, OrderCreated, OrderExpired, OrderRevived,
        PaymentCompleted, PlacedOrder,
    },
    ids::OrderId,
    inventory::ReserveItem,
};
use host::{later, read_event};

use crate::{
    commands::Inventory,
    model::{Said, merged},
};

/// Acts on one event of the queue `inventory_events`.
pub(crate) async fn on_event(inventory: Inventory, event: Arc<CloudEvent>) -> Result<(), ConsumeError> {
    match read(&event)? {
        Some((order_id, said)) => inventory.hear(event.id, order_id, said).await.map_err(later),
        None => Ok(()),
    }
}

/// Which order an event is about, and what it says. `None`: it says nothing of stock.
fn read(event: &CloudEvent) -> Result<Option<(OrderId, Said)>, ConsumeError> {
    let read = match event.kind {
        EventKind::OrderCreated => placed(&read_event::<OrderCreated>(event)?.0),
        EventKind::OrderRevived => placed(&read_event::<OrderRevived>(event)?.0),
        EventKind::OrderCancelled => {
            let order = read_event::<OrderCancelled>(event)?;
            (order.order_id, Said::Closed { order_version: order.order_version })
        }
        EventKind::OrderExpired => {
            let order = read_event::<OrderExpired>(event)?;
            (order.order_id, Said::Closed { order_version: order.order_version })
        }
        EventKind::OrderCompleted => {
            let order = read_event::<OrderCompleted>(event)?;
            (order.order_id, Said::Completed { order_version: order.order_version })
        }
        EventKind::PaymentCompleted => (read_event::<PaymentCompleted>(event)?.order_id, Said::Paid),
        EventKind::OrderChanged
        | EventKind::PaymentOrphaned
        | EventKind::ProductChanged
        | EventKind::InventoryLow
        | EventKind::StockShort
        | EventKind::CodesIssued
        | EventKind::DispenseCompleted
        | EventKind::DispenseFailed
        | EventKind::ShopChanged => return Ok(None),
    };
    Ok(Some(read))
}

fn placed(order: &PlacedOrder) -> (OrderId, Said) {
    let items = order.items.iter().map(|item| ReserveItem { product_id: item.product_id, quantity: item.quantity });
    (order.order_id, Said::Placed { order_version: order.order_version, items: merged(items) })
}
