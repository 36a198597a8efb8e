//! PaymentCompleted (steps 21 and 22): PENDING becomes PROCESSING. A late payment revives its order, or is refunded.

use contracts::{
    event::{OrderRevived, PaymentCompleted, PaymentOrphaned},
    order::{OrderView, StockCheck},
    time::Timestamp,
};
use db::{
    DbError, DbResult, Tx,
    inbox::{self, Delivery},
    outbox,
};

use super::{Orders, complete_order::append_changed_and_complete_if_poured};
use crate::{
    error::{RecordError, ReservationError},
    model::{self, Order, PaymentDecision, RecordedPayment},
    store,
};

/// Why a payment was not recorded at once. The transaction is rolled back, the inbox row too.
#[derive(Debug)]
enum NotRecorded {
    /// The order expired: its stock must be reserved first, outside of a transaction.
    OrderExpired(Box<Order>),
    /// Another transaction revived the order concurrently.
    ChangedConcurrently,
    /// The database failed.
    Db(DbError),
}

impl From<DbError> for NotRecorded {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Whether a late payment can revive an order of this version.
#[derive(Clone, Copy, Debug)]
enum Revival {
    /// Its stock is reserved for the next version.
    Possible { version: i64, stock: StockCheck },
    /// Its stock went to others, or its business day is over.
    Impossible { version: i64, reason: &'static str },
}

impl Orders {
    /// Records the payment of an order.
    ///
    /// # Errors
    /// [`RecordError`]: the event comes again.
    #[tracing::instrument(name = "record_payment", level = "debug", skip_all, fields(order_id = %payment.order_id))]
    pub(crate) async fn record_payment(
        &self,
        delivery: Delivery,
        payment: PaymentCompleted,
    ) -> Result<(), RecordError> {
        let now = self.clock.now();
        let in_time = payment.clone();
        let record = move |tx: &mut Tx<'_>| inbox::once(tx, delivery, now, |tx| record_in_time(tx, &in_time, now));
        let order = match self.db.write_deferred(record).await {
            Ok(recorded) => {
                count_paid(recorded == Some(true));
                return Ok(());
            }
            Err(NotRecorded::OrderExpired(order)) => order,
            Err(NotRecorded::ChangedConcurrently) => {
                return Err(RecordError::ChangedConcurrently(payment.order_id));
            }
            Err(NotRecorded::Db(error)) => return Err(error.into()),
        };
        self.record_late_payment(delivery, payment, &order).await
    }

    /// Records a payment that Payment returned synchronously. Returns whether the order was PENDING.
    pub(super) async fn record_known_payment(&self, payment: RecordedPayment) -> Result<bool, DbError> {
        let now = self.clock.now();
        let recorded = self.db.write(move |tx| pay_pending(tx, &payment, now)).await?;
        count_paid(recorded);
        Ok(recorded)
    }

    async fn record_late_payment(
        &self,
        delivery: Delivery,
        payment: PaymentCompleted,
        order: &Order,
    ) -> Result<(), RecordError> {
        let revival = self.reserve_for_late_payment(order, payment.paid_at).await?;
        let now = self.clock.now();
        let record =
            move |tx: &mut Tx<'_>| inbox::once(tx, delivery, now, |tx| record_late(tx, &payment, revival, now));
        match self.db.write_deferred(record).await {
            Ok(Some(Some(revived))) => {
                count_paid(true);
                self.cache_receipt(&revived).await;
                Ok(())
            }
            not_revived => {
                if let Revival::Possible { version, .. } = revival {
                    self.release_stock_unless_written(order.header.order_id, version + 1).await;
                }
                not_revived.map(drop)
            }
        }
    }

    /// Reserves the stock of an expired order that was paid late, but on its business day. The time of the payment
    /// decides, not the time at which its event arrives.
    async fn reserve_for_late_payment(&self, order: &Order, paid_at: Timestamp) -> Result<Revival, RecordError> {
        let (order_id, version) = (order.header.order_id, order.header.version);
        if self.shop.current().business_day(paid_at) != order.header.business_day {
            return Ok(Revival::Impossible { version, reason: "the order expired on an earlier business day" });
        }
        match self.reserve_stock(order_id, &order.stock_needs_of_revival()).await {
            Ok(stock) => Ok(Revival::Possible { version, stock }),
            Err(ReservationError::OutOfStock(_)) => {
                Ok(Revival::Impossible { version, reason: "the order expired and its stock went to others" })
            }
            Err(ReservationError::OrderIdTaken) => Err(RecordError::ChangedConcurrently(order_id)),
            Err(ReservationError::Rejected(problem)) => Err(RecordError::StockUnknown(order_id, problem)),
        }
    }
}

fn count_paid(is_paid_now: bool) {
    if is_paid_now {
        metrics::counter!("orders_paid_total").increment(1);
    }
}

fn recorded(payment: &PaymentCompleted) -> RecordedPayment {
    RecordedPayment {
        order_id: payment.order_id,
        payment_id: payment.payment_id,
        method: payment.method,
        paid_at: payment.paid_at,
    }
}

/// Returns whether this call changed the order to PROCESSING.
fn record_in_time(tx: &mut Tx<'_>, payment: &PaymentCompleted, now: Timestamp) -> Result<bool, NotRecorded> {
    if pay_pending(tx, &recorded(payment), now)? {
        return Ok(true);
    }
    let Some(state) = store::find_payment_state(tx, payment.order_id)? else {
        append_orphaned(tx, payment, "there is no such order", now)?;
        return Ok(false);
    };
    match model::decide_payment(&state, payment.payment_id) {
        PaymentDecision::AlreadyRecorded => Ok(false),
        PaymentDecision::Refund(reason) => {
            append_orphaned(tx, payment, reason, now)?;
            Ok(false)
        }
        PaymentDecision::Retry => Err(NotRecorded::ChangedConcurrently),
        PaymentDecision::ReviveOrder => {
            let order = store::find_order(tx, payment.order_id)?.ok_or(NotRecorded::ChangedConcurrently)?;
            Err(NotRecorded::OrderExpired(Box::new(order)))
        }
    }
}

/// Returns whether the order was PENDING. If so, it is PROCESSING now.
fn pay_pending(tx: &mut Tx<'_>, payment: &RecordedPayment, now: Timestamp) -> DbResult<bool> {
    let Some(order) = store::pay_order(tx, payment, now)? else { return Ok(false) };
    append_changed_and_complete_if_poured(tx, order, now)?;
    Ok(true)
}

/// Returns the order that the late payment revived. `None`: the payment is refunded.
fn record_late(
    tx: &mut Tx<'_>,
    payment: &PaymentCompleted,
    revival: Revival,
    now: Timestamp,
) -> Result<Option<OrderView>, RecordError> {
    // Another transaction changed the order: the event is retried and finds the new state.
    let changed = || RecordError::ChangedConcurrently(payment.order_id);
    match revival {
        Revival::Possible { version, stock } => {
            let order = store::pay_order_late(tx, &recorded(payment), version, stock, now)?.ok_or_else(changed)?;
            outbox::append(tx, &OrderRevived(order.placed_order()), now)?;
            Ok(Some(append_changed_and_complete_if_poured(tx, order, now)?))
        }
        Revival::Impossible { version, reason } => {
            if !store::refuse_late_payment(tx, payment.order_id, version)? {
                return Err(changed());
            }
            append_orphaned(tx, payment, reason, now)?;
            Ok(None)
        }
    }
}

/// Appends PaymentOrphaned: Payment refunds the payment.
fn append_orphaned(tx: &mut Tx<'_>, payment: &PaymentCompleted, reason: &str, now: Timestamp) -> DbResult<()> {
    tracing::warn!(order_id = %payment.order_id, payment_id = %payment.payment_id, reason, "payment orphaned");
    let orphaned =
        PaymentOrphaned { order_id: payment.order_id, payment_id: payment.payment_id, reason: reason.to_owned() };
    outbox::append(tx, &orphaned, now)
}
