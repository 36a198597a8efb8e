//! What Payment does on hearing of an order. Events may come twice and in any order: the order's version decides.

use std::sync::Arc;

use bus::ConsumeError;
use contracts::{
    event::{
        CloudEvent, EventKind, OrderCancelled, OrderCreated, OrderExpired, OrderRevived, PaymentOrphaned, PlacedOrder,
    },
    ids::{EventId, OrderId},
};
use db::{DbError, DbResult, Tx, inbox};
use host::{later, read_event};

use crate::{
    NAME, Payments,
    commands::close_order,
    model::{OrderDue, OrderState},
    store,
};

/// Acts on one event.
pub(crate) async fn on_event(payments: Payments, event: Arc<CloudEvent>) -> Result<(), ConsumeError> {
    match event.kind {
        EventKind::OrderCreated => on_created(&payments, event.id, &read_event::<OrderCreated>(&event)?.0).await,
        EventKind::OrderRevived => on_revived(&payments, event.id, &read_event::<OrderRevived>(&event)?.0).await,
        EventKind::OrderCancelled => {
            let closed: OrderCancelled = read_event(&event)?;
            on_closed(&payments, event.id, closed.order_id, closed.order_version).await
        }
        EventKind::OrderExpired => {
            let closed: OrderExpired = read_event(&event)?;
            on_closed(&payments, event.id, closed.order_id, closed.order_version).await
        }
        EventKind::PaymentOrphaned => on_orphaned(&payments, event.id, read_event(&event)?).await,
        EventKind::OrderCompleted
        | EventKind::OrderChanged
        | EventKind::PaymentCompleted
        | EventKind::ProductChanged
        | EventKind::InventoryLow
        | EventKind::StockShort
        | EventKind::CodesIssued
        | EventKind::DispenseCompleted
        | EventKind::DispenseFailed
        | EventKind::ShopChanged => Ok(()),
    }
}

/// What the order owes is noted, for when Order is away.
async fn on_created(payments: &Payments, event: EventId, placed: &PlacedOrder) -> Result<(), ConsumeError> {
    let due = due(placed)?;
    once(payments, event, move |tx| store::note_due(tx, &due, true, None).map(|_| ())).await
}

/// An order that is revived had expired: what was pending until then is given up, also where this is heard first. Where
/// a till asked Order before, what is pending was shown since.
async fn on_revived(payments: &Payments, event: EventId, placed: &PlacedOrder) -> Result<(), ConsumeError> {
    let (due, now) = (due(placed)?, payments.clock.now());
    let act = move |tx: &mut Tx<'_>| {
        if store::note_reopened(tx, due.order_id, due.order_version)? {
            store::give_up_pending(tx, due.order_id, now)?;
        }
        store::note_due(tx, &due, true, None).map(|_| ())
    };
    once(payments, event, act).await
}

async fn on_closed(
    payments: &Payments,
    event: EventId,
    order_id: OrderId,
    order_version: i64,
) -> Result<(), ConsumeError> {
    let now = payments.clock.now();
    once(payments, event, move |tx| close_order(tx, order_id, order_version, now)).await
}

/// The order could not take this money, so it must go back, and the order counts as unpaid.
async fn on_orphaned(payments: &Payments, event: EventId, orphaned: PaymentOrphaned) -> Result<(), ConsumeError> {
    let (order_id, now) = (orphaned.order_id, payments.clock.now());
    let act = move |tx: &mut Tx<'_>| {
        store::unclaim(tx, orphaned.order_id, orphaned.payment_id)?;
        store::orphan(tx, orphaned.payment_id, &orphaned.reason, now)
    };
    once(payments, event, act).await?;
    payments.forget_receipt(order_id).await;
    Ok(())
}

fn due(placed: &PlacedOrder) -> Result<OrderDue, ConsumeError> {
    let total = placed.total.money(placed.currency).map_err(|error| ConsumeError::Never(error.to_string()))?;
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
async fn once<F>(payments: &Payments, event: EventId, act: F) -> Result<(), ConsumeError>
where
    F: Fn(&mut Tx<'_>) -> DbResult<()> + Send + 'static,
{
    let now = payments.clock.now();
    let write = move |tx: &mut Tx<'_>| {
        if inbox::first_time(tx, NAME, event, now)? { act(tx) } else { Ok(()) }
    };
    payments.db.write_soon::<(), DbError, _>(write).await.map_err(later)
}
