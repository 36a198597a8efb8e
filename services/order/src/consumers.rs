//! What Order hears, and the command that each event becomes.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::event::{
    CloudEvent, CodesIssued, DispenseCompleted, DispenseFailed, EventKind, PaymentCompleted, ProductChanged, StockShort,
};
use db::Db;
use host::{later, read_event};

use crate::{NAME, commands::Orders};

pub(crate) fn consumer(orders: Orders, db: &Db) -> Arc<dyn Consumer> {
    host::consumer(db, NAME, move |event| {
        let orders = orders.clone();
        async move { act(&orders, &event).await }
    })
}

async fn act(orders: &Orders, event: &CloudEvent) -> Result<(), ConsumeError> {
    match event.kind {
        EventKind::PaymentCompleted => {
            let payment: PaymentCompleted = read_event(event)?;
            orders.record_payment(event.id, payment).await.map_err(later)
        }
        EventKind::CodesIssued => {
            let issued: CodesIssued = read_event(event)?;
            orders.keep_cups(event.id, issued.codes).await.map_err(later)
        }
        EventKind::DispenseCompleted => {
            let completed: DispenseCompleted = read_event(event)?;
            orders.keep_cups(event.id, vec![completed.code]).await.map_err(later)
        }
        EventKind::DispenseFailed => {
            let failed: DispenseFailed = read_event(event)?;
            orders.keep_cups(event.id, vec![failed.code]).await.map_err(later)
        }
        EventKind::StockShort => {
            let short: StockShort = read_event(event)?;
            orders.mark_short(event.id, short).await.map_err(later)
        }
        EventKind::ProductChanged => {
            let ProductChanged(card) = read_event(event)?;
            orders.cache_card(&card).await.map_err(later)
        }
        EventKind::OrderCreated
        | EventKind::OrderRevived
        | EventKind::OrderCancelled
        | EventKind::OrderExpired
        | EventKind::OrderCompleted
        | EventKind::OrderChanged
        | EventKind::PaymentOrphaned
        | EventKind::InventoryLow
        | EventKind::ShopChanged => Ok(()),
    }
}
