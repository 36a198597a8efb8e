//! PaymentCompleted (steps 21 and 22): PENDING becomes PROCESSING; money that nothing is owed for is sent back.

use contracts::{
    event::{OrderRevived, PaymentCompleted, PaymentOrphaned},
    ids::EventId,
    order::{OrderStatus, OrderView, StockCheck},
    time::Micros,
};
use db::{DbError, Tx, inbox, outbox};

use super::{Orders, complete_order::complete_if_poured, say_changed};
use crate::{
    model,
    store::{self, From, Paid},
};

/// The consumer's name in the inbox.
pub(super) const CONSUMER: &str = "order";

/// What became of money.
enum Recorded {
    /// The order is paid by it, or was before, or the money is sent back.
    Settled,
    /// The order expired: its stock must be asked for first.
    Late(Box<OrderView>),
}

/// What late money finds when its order's stock was asked for.
#[derive(Clone, Copy)]
enum Revival {
    /// The order can be made.
    Stocked { version: i64, stock: StockCheck },
    /// What it needs went to others, or its day is over.
    Refused(&'static str),
}

impl Orders {
    /// Records that the money of an order is here.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn record_payment(&self, event_id: EventId, payment: PaymentCompleted) -> Result<(), DbError> {
        let now = self.clock.now();
        let in_time = payment.clone();
        let recorded = self.db.write(move |tx| record_in_time(tx, event_id, &in_time, now)).await?;
        let Recorded::Late(order) = recorded else { return Ok(()) };

        let revival = self.ask_for_revival(&order).await;
        self.db.write(move |tx| record_late(tx, event_id, &payment, revival, now)).await
    }

    /// Asks for the stock of an expired order whose money came late (the same business day).
    async fn ask_for_revival(&self, order: &OrderView) -> Revival {
        if self.shop.current().business_day(self.clock.now()) != order.business_day {
            return Revival::Refused("the order expired on an earlier business day");
        }
        match self.reserve(order, order.version + 1).await {
            Ok(stock) => Revival::Stocked { version: order.version, stock },
            Err(_) => Revival::Refused("the order expired and its stock went to others"),
        }
    }
}

fn paid(payment: &PaymentCompleted, now: Micros) -> Paid {
    Paid {
        order_id: payment.order_id,
        payment_id: payment.payment_id,
        method: payment.method,
        paid_at: payment.paid_at,
        now,
    }
}

fn record_in_time(
    tx: &mut Tx<'_>,
    event_id: EventId,
    payment: &PaymentCompleted,
    now: Micros,
) -> Result<Recorded, DbError> {
    if let Some(order) = store::pay(tx, &paid(payment, now), From::Pending)? {
        inbox::first_time(tx, CONSUMER, event_id, now)?;
        say_changed(tx, &order)?;
        complete_if_poured(tx, &order, now)?;
        return Ok(Recorded::Settled);
    }
    match store::find(tx, payment.order_id)? {
        // The inbox is written with what is decided about it, after the stock was asked for.
        Some(order) if order.status == OrderStatus::Expired => Ok(Recorded::Late(Box::new(order))),
        other => {
            if inbox::first_time(tx, CONSUMER, event_id, now)? {
                orphan_unless_paid_by_it(tx, payment, other.as_ref(), now)?;
            }
            Ok(Recorded::Settled)
        }
    }
}

fn record_late(
    tx: &mut Tx<'_>,
    event_id: EventId,
    payment: &PaymentCompleted,
    revival: Revival,
    now: Micros,
) -> Result<(), DbError> {
    if !inbox::first_time(tx, CONSUMER, event_id, now)? {
        return Ok(());
    }
    let (version, stock) = match revival {
        Revival::Stocked { version, stock } => (version, stock),
        Revival::Refused(reason) => return orphan(tx, payment, reason, now),
    };
    match store::pay(tx, &paid(payment, now), From::Expired { version, stock })? {
        Some(order) => {
            let dispense_ml = store::dispense_ml(tx, order.order_id)?;
            outbox::append(tx, &OrderRevived(model::placed(&order, &dispense_ml)), now)?;
            say_changed(tx, &order)?;
            complete_if_poured(tx, &order, now)
        }
        // Staff revived it in the same moment: the event comes again and finds it PENDING.
        None => {
            Err(DbError::Unavailable(format!("order {} changed while its late money was recorded", payment.order_id)))
        }
    }
}

/// The order is not to be paid: either by this very payment already, or the money must go back.
fn orphan_unless_paid_by_it(
    tx: &mut Tx<'_>,
    payment: &PaymentCompleted,
    order: Option<&OrderView>,
    now: Micros,
) -> Result<(), DbError> {
    let Some(order) = order else { return orphan(tx, payment, "there is no such order", now) };
    if store::payment_of(tx, order.order_id)? == Some(payment.payment_id) {
        return Ok(());
    }
    let reason = match order.status {
        OrderStatus::Cancelled => "the order was cancelled",
        _ => "the order was paid by another payment",
    };
    orphan(tx, payment, reason, now)
}

fn orphan(tx: &mut Tx<'_>, payment: &PaymentCompleted, reason: &str, now: Micros) -> Result<(), DbError> {
    tracing::warn!(order_id = %payment.order_id, payment_id = %payment.payment_id, reason, "money must go back");
    let orphaned =
        PaymentOrphaned { order_id: payment.order_id, payment_id: payment.payment_id, reason: reason.to_owned() };
    outbox::append(tx, &orphaned, now)
}
