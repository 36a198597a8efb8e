//! Events in, commands out. The inbox sees to it that an event counts once.

use std::sync::Arc;

use bus::ConsumeError;
use contracts::event::{
    CloudEvent, EventKind, OrderCancelled, OrderCompleted, OrderCreated, OrderExpired, OrderRevived, PaymentCompleted,
};
use host::{later, read_event};

use crate::commands::Codes;

/// Acts on an event of the queue `qr_events`.
pub(crate) async fn hear(codes: Codes, event: Arc<CloudEvent>) -> Result<(), ConsumeError> {
    let heard = match event.kind {
        EventKind::OrderCreated => {
            let OrderCreated(order) = read_event(&event)?;
            codes.order_placed(event.id, order).await
        }
        EventKind::OrderRevived => {
            let OrderRevived(order) = read_event(&event)?;
            codes.order_placed(event.id, order).await
        }
        EventKind::PaymentCompleted => {
            let payment: PaymentCompleted = read_event(&event)?;
            if payment.cups == 0 { Ok(()) } else { codes.order_paid(event.id, &payment).await }
        }
        EventKind::OrderCancelled => {
            let OrderCancelled { order_id, order_version, cups, .. } = read_event(&event)?;
            if cups == 0 { Ok(()) } else { codes.order_over(event.id, order_id, order_version).await }
        }
        EventKind::OrderExpired => {
            let OrderExpired { order_id, order_version, cups } = read_event(&event)?;
            if cups == 0 { Ok(()) } else { codes.order_over(event.id, order_id, order_version).await }
        }
        EventKind::OrderCompleted => {
            let OrderCompleted { order_id, order_version, cups } = read_event(&event)?;
            if cups == 0 { Ok(()) } else { codes.order_over(event.id, order_id, order_version).await }
        }
        // Not in this queue.
        EventKind::OrderChanged
        | EventKind::PaymentOrphaned
        | EventKind::ProductChanged
        | EventKind::InventoryLow
        | EventKind::StockShort
        | EventKind::CodesIssued
        | EventKind::DispenseCompleted
        | EventKind::DispenseFailed
        | EventKind::ShopChanged => Ok(()),
    };
    heard.map_err(later)
}
