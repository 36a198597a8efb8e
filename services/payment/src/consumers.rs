//! The events that Payment consumes. They may come twice and in any order: the order's version decides.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::event::{OrderCancelled, OrderCreated, OrderExpired, OrderRevived, PaymentOrphaned, Queue};
use db::Db;
use host::{Event, EventConsumer, retry};

use crate::{NAME, commands::Payments, error::PaymentError};

/// The consumer of `payment_events`.
pub(crate) fn consumer(db: &Db, payments: Payments) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Payment, db, payments)
        .on(on_order_created)
        .on(on_order_revived)
        .on(on_order_cancelled)
        .on(on_order_expired)
        .on(on_payment_orphaned)
        .build()
}

async fn on_order_created(payments: Payments, event: Event<OrderCreated>) -> Result<(), ConsumeError> {
    payments.record_amount_due(event.delivery(), event.data.0).await.map_err(consume_error)
}

async fn on_order_revived(payments: Payments, event: Event<OrderRevived>) -> Result<(), ConsumeError> {
    payments.reopen_order(event.delivery(), event.data.0).await.map_err(consume_error)
}

async fn on_order_cancelled(payments: Payments, event: Event<OrderCancelled>) -> Result<(), ConsumeError> {
    let OrderCancelled { order_id, order_version, .. } = event.data;
    payments.close_order(event.delivery(), order_id, order_version).await.map_err(consume_error)
}

async fn on_order_expired(payments: Payments, event: Event<OrderExpired>) -> Result<(), ConsumeError> {
    let OrderExpired { order_id, order_version, .. } = event.data;
    payments.close_order(event.delivery(), order_id, order_version).await.map_err(consume_error)
}

async fn on_payment_orphaned(payments: Payments, event: Event<PaymentOrphaned>) -> Result<(), ConsumeError> {
    payments.orphan_payment(event.delivery(), event.data).await.map_err(consume_error)
}

/// An amount that its currency cannot have stays wrong, however often the event is tried.
fn consume_error(error: PaymentError) -> ConsumeError {
    match error {
        PaymentError::Money(_) => ConsumeError::permanent(error),
        error => retry(error),
    }
}
