//! The events that Payment consumes. They may come twice and in any order: the order's version decides.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::{
    event::{OrderCancelled, OrderCreated, OrderExpired, OrderRevived, PaymentOrphaned, PlacedOrder, Queue},
    ids::OrderId,
};
use db::{
    Db, DbError, DbResult, Tx,
    inbox::{self, Delivery},
};
use host::{Event, EventConsumer, retry};

use crate::{
    NAME, Payments,
    commands::close_order,
    model::{OrderDue, OrderState},
    store,
};

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

async fn on_order_cancelled(payments: Payments, event: Event<OrderCancelled>) -> Result<(), ConsumeError> {
    on_closed(&payments, event.delivery(), event.data.order_id, event.data.order_version).await
}

async fn on_order_expired(payments: Payments, event: Event<OrderExpired>) -> Result<(), ConsumeError> {
    on_closed(&payments, event.delivery(), event.data.order_id, event.data.order_version).await
}

/// What the order owes is noted, for when Order is away.
async fn on_order_created(payments: Payments, event: Event<OrderCreated>) -> Result<(), ConsumeError> {
    let due = due(&event.data.0)?;
    once(&payments, event.delivery(), move |tx| store::note_due(tx, &due, true, None).map(|_| ())).await
}

/// An order that is revived had expired: what was pending until then is given up, also where this is heard first. Where
/// a till asked Order before, what is pending was shown since.
async fn on_order_revived(payments: Payments, event: Event<OrderRevived>) -> Result<(), ConsumeError> {
    let (due, now) = (due(&event.data.0)?, payments.clock.now());
    let act = move |tx: &mut Tx<'_>| {
        if store::note_reopened(tx, due.order_id, due.order_version)? {
            store::give_up_pending(tx, due.order_id, now)?;
        }
        store::note_due(tx, &due, true, None).map(|_| ())
    };
    once(&payments, event.delivery(), act).await
}

async fn on_closed(
    payments: &Payments,
    delivery: Delivery,
    order_id: OrderId,
    order_version: i64,
) -> Result<(), ConsumeError> {
    let now = payments.clock.now();
    once(payments, delivery, move |tx| close_order(tx, order_id, order_version, now)).await
}

/// The order could not take this money, so it must go back, and the order counts as unpaid.
async fn on_payment_orphaned(payments: Payments, event: Event<PaymentOrphaned>) -> Result<(), ConsumeError> {
    let (delivery, orphaned) = (event.delivery(), event.data);
    let (order_id, now) = (orphaned.order_id, payments.clock.now());
    let act = move |tx: &mut Tx<'_>| {
        store::unclaim(tx, orphaned.order_id, orphaned.payment_id)?;
        store::orphan(tx, orphaned.payment_id, &orphaned.reason, now)
    };
    once(&payments, delivery, act).await?;
    payments.forget_receipt(order_id).await;
    Ok(())
}

fn due(placed: &PlacedOrder) -> Result<OrderDue, ConsumeError> {
    let total = placed.total.money(placed.currency).map_err(|error| ConsumeError::permanent(error))?;
    Ok(OrderDue {
        order_id: placed.order_id,
        order_version: placed.order_version,
        order_number: placed.order_number.clone(),
        total,
        cups: placed.cups(),
        state: OrderState::Open,
    })
}

/// Runs `act` unless this event was acted on before.
async fn once<F>(payments: &Payments, delivery: Delivery, act: F) -> Result<(), ConsumeError>
where
    F: Fn(&mut Tx<'_>) -> DbResult<()> + Send + 'static,
{
    let now = payments.clock.now();
    let write = move |tx: &mut Tx<'_>| inbox::once(tx, delivery, now, &act).map(|_| ());
    payments.db.write_deferred::<(), DbError, _>(write).await.map_err(retry)
}
