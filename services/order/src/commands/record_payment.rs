//! PaymentCompleted (steps 21 and 22): PENDING becomes PROCESSING; money that nothing is owed for is sent back.

use contracts::{
    event::{OrderRevived, PaymentCompleted, PaymentOrphaned},
    ids::OrderId,
    order::{OrderStatus, OrderView, StockCheck},
    receipt::ReceiptPayment,
    time::Timestamp,
};
use db::{
    DbError, DbResult, Tx,
    inbox::{self, Delivery},
    outbox,
};

use super::{Orders, complete_order::complete_if_poured, say_changed};
use crate::{
    error::{NotHeld, OrderError, RecordError},
    model::{self, MoneyFate},
    store::{self, Paid, PaidFrom},
};

/// Why money was not recorded at once. Nothing of the transaction is kept, not even that the event came.
#[derive(Debug)]
enum NotYet {
    /// The order expired: its stock must be asked for first.
    Late(Box<OrderView>),
    /// Somebody revived the order in the same moment.
    ChangedMeanwhile,
    /// The database did not take it.
    Db(DbError),
}

impl From<DbError> for NotYet {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// What late money finds when its order's stock was asked for.
#[derive(Clone, Copy)]
enum Revival {
    /// The order can be made.
    Stocked { version: i64, stock: StockCheck },
    /// What it needs went to others, or its day is over.
    Refused { version: i64, reason: &'static str },
}

impl Orders {
    /// Records that the money of an order is here.
    ///
    /// # Errors
    /// [`RecordError`]: the event comes again.
    pub(crate) async fn record_payment(
        &self,
        delivery: Delivery,
        payment: PaymentCompleted,
    ) -> Result<(), RecordError> {
        let now = self.clock.now();
        let in_time = payment.clone();
        let order = match self.db.write_deferred(move |tx| record_in_time(tx, delivery, &in_time, now)).await {
            Ok(()) => return Ok(()),
            Err(NotYet::Late(order)) => order,
            Err(NotYet::ChangedMeanwhile) => return Err(RecordError::ChangedMeanwhile(payment.order_id)),
            Err(NotYet::Db(error)) => return Err(error.into()),
        };
        let revival = self.ask_for_revival(&order, payment.paid_at).await?;
        let now = self.clock.now();
        let late = move |tx: &mut Tx<'_>| record_late(tx, delivery, &payment, revival, now);
        match self.db.write_deferred(late).await {
            Ok(Some(revived)) => {
                self.cache_receipt(&revived).await;
                Ok(())
            }
            not_revived => {
                if let Revival::Stocked { version, .. } = revival {
                    self.release_unless_placed(order.order_id, version + 1).await;
                }
                not_revived.map(|_| ())
            }
        }
    }

    /// Asks Payment about an order that looks unpaid, and records what it took: its event may still be on the way when
    /// somebody who was told that the order is paid goes on with it, or when its time is over.
    ///
    /// # Errors
    /// [`OrderError`]: there is no such order, or Payment cannot be asked.
    pub(super) async fn hear_of_money(&self, order_id: OrderId) -> Result<(), OrderError> {
        let due = self.amount_due(order_id).await?;
        if due.status != OrderStatus::Pending {
            return Ok(());
        }
        let taken = self.money_taken(order_id).await;
        let taken = taken.map_err(|error| OrderError::PaymentAway(due.order_number, error))?;
        let Some(ReceiptPayment { payment_id, method, paid_at, .. }) = taken else { return Ok(()) };
        let paid = Paid { order_id, payment_id, method, paid_at, now: self.clock.now() };
        self.db.write(move |tx| pay_pending(tx, &paid)).await?;
        Ok(())
    }

    /// Asks for the stock of an expired order whose money came late, but on its business day: whenever we hear of it.
    async fn ask_for_revival(&self, order: &OrderView, paid_at: Timestamp) -> Result<Revival, RecordError> {
        let version = order.version;
        if self.shop.current().business_day(paid_at) != order.business_day {
            return Ok(Revival::Refused { version, reason: "the order expired on an earlier business day" });
        }
        match self.reserve(order, version + 1).await {
            Ok(stock) => Ok(Revival::Stocked { version, stock }),
            Err(NotHeld::OutOfStock(_)) => {
                Ok(Revival::Refused { version, reason: "the order expired and its stock went to others" })
            }
            Err(NotHeld::IdTaken) => Err(RecordError::ChangedMeanwhile(order.order_id)),
            Err(NotHeld::Fault(problem)) => Err(RecordError::StockUnknown(order.order_id, problem)),
        }
    }
}

fn paid(payment: &PaymentCompleted, now: Timestamp) -> Paid {
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
    delivery: Delivery,
    payment: &PaymentCompleted,
    now: Timestamp,
) -> Result<(), NotYet> {
    if !inbox::insert_if_new(tx, delivery, now)? {
        return Ok(());
    }
    if pay_pending(tx, &paid(payment, now))? {
        return Ok(());
    }
    let Some(standing) = store::money_standing(tx, payment.order_id)? else {
        return Ok(send_back(tx, payment, "there is no such order", now)?);
    };
    match model::fate_of_money(&standing, payment.payment_id) {
        MoneyFate::Recorded => Ok(()),
        MoneyFate::GoesBack(reason) => Ok(send_back(tx, payment, reason, now)?),
        MoneyFate::ComesAgain => Err(NotYet::ChangedMeanwhile),
        MoneyFate::Revives => {
            let order = store::find(tx, payment.order_id)?.ok_or(NotYet::ChangedMeanwhile)?;
            Err(NotYet::Late(Box::new(order)))
        }
    }
}

/// Whether the order was PENDING: it is PROCESSING now.
fn pay_pending(tx: &mut Tx<'_>, paid: &Paid) -> DbResult<bool> {
    let Some(order) = store::pay(tx, paid, PaidFrom::Pending)? else { return Ok(false) };
    say_changed(tx, &order)?;
    complete_if_poured(tx, order, paid.now)?;
    Ok(true)
}

/// Answers the order where its money revived it.
fn record_late(
    tx: &mut Tx<'_>,
    delivery: Delivery,
    payment: &PaymentCompleted,
    revival: Revival,
    now: Timestamp,
) -> Result<Option<OrderView>, RecordError> {
    if !inbox::insert_if_new(tx, delivery, now)? {
        return Ok(None);
    }
    // Whoever changed the order in the same moment decides: the event comes again and finds it as it then is.
    let changed_meanwhile = RecordError::ChangedMeanwhile(payment.order_id);
    let (version, stock) = match revival {
        Revival::Stocked { version, stock } => (version, stock),
        Revival::Refused { version, reason } => {
            if !store::orphan(tx, payment.order_id, version)? {
                return Err(changed_meanwhile);
            }
            send_back(tx, payment, reason, now)?;
            return Ok(None);
        }
    };
    let order = store::pay(tx, &paid(payment, now), PaidFrom::Expired { version, stock })?.ok_or(changed_meanwhile)?;
    let dispense_ml = store::dispense_ml(tx, order.order_id)?;
    outbox::append(tx, &OrderRevived(model::placed(&order, &dispense_ml)), now)?;
    say_changed(tx, &order)?;
    Ok(Some(complete_if_poured(tx, order, now)?))
}

fn send_back(tx: &mut Tx<'_>, payment: &PaymentCompleted, reason: &str, now: Timestamp) -> Result<(), DbError> {
    tracing::warn!(order_id = %payment.order_id, payment_id = %payment.payment_id, reason, "money must go back");
    let orphaned =
        PaymentOrphaned { order_id: payment.order_id, payment_id: payment.payment_id, reason: reason.to_owned() };
    outbox::append(tx, &orphaned, now)
}
