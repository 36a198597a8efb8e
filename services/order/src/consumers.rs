//! The events that Order consumes, and the command that each becomes.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::event::{
    CodesIssued, DispenseCompleted, DispenseFailed, PaymentCompleted, ProductChanged, Queue, StockShort,
};
use db::Db;
use host::{Event, EventConsumer, retry};

use crate::{NAME, commands::Orders};

/// The consumer of `order_events`.
pub(crate) fn consumer(db: &Db, orders: Orders) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Order, db, orders)
        .on(on_payment_completed)
        .on(on_codes_issued)
        .on(on_dispense_completed)
        .on(on_dispense_failed)
        .on(on_stock_short)
        .on(on_product_changed)
        .build()
}

async fn on_payment_completed(orders: Orders, event: Event<PaymentCompleted>) -> Result<(), ConsumeError> {
    orders.record_payment(event.delivery(), event.data).await.map_err(retry)
}

async fn on_codes_issued(orders: Orders, event: Event<CodesIssued>) -> Result<(), ConsumeError> {
    orders.record_cups(event.delivery(), event.data.codes).await.map_err(retry)
}

async fn on_dispense_completed(orders: Orders, event: Event<DispenseCompleted>) -> Result<(), ConsumeError> {
    orders.record_cups(event.delivery(), vec![event.data.code]).await.map_err(retry)
}

async fn on_dispense_failed(orders: Orders, event: Event<DispenseFailed>) -> Result<(), ConsumeError> {
    orders.record_cups(event.delivery(), vec![event.data.code]).await.map_err(retry)
}

async fn on_stock_short(orders: Orders, event: Event<StockShort>) -> Result<(), ConsumeError> {
    orders.mark_stock_short(event.delivery(), event.data).await.map_err(retry)
}

async fn on_product_changed(orders: Orders, event: Event<ProductChanged>) -> Result<(), ConsumeError> {
    orders.cache_product_card(&event.data.0).await.map_err(retry)
}
