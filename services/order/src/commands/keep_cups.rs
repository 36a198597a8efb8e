//! CodesIssued, DispenseCompleted, DispenseFailed and StockShort: what others say of an order's cups and stock.

use contracts::{
    ids::{EventId, OrderId},
    qr::CodeView,
};
use db::{DbError, inbox};

use super::{Orders, complete_order::complete_if_poured, record_payment::CONSUMER, say_changed};
use crate::store::{self, CupChange};

impl Orders {
    /// Keeps what QR says of an order's cups. When machines have poured the last one, the order is complete.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn keep_cups(&self, event_id: EventId, cups: Vec<CodeView>) -> Result<(), DbError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                if !inbox::first_time(tx, CONSUMER, event_id, now)? {
                    return Ok(());
                }
                let mut seen: Option<OrderId> = None;
                for cup in &cups {
                    if store::keep_cup(tx, cup)? == CupChange::Seen {
                        seen = Some(cup.order_id);
                    }
                }
                let Some(order) = seen.map(|order_id| store::touch(tx, order_id, now)).transpose()?.flatten() else {
                    return Ok(());
                };
                say_changed(tx, &order)?;
                complete_if_poured(tx, &order, now)
            })
            .await
    }

    /// Marks an order whose stock fell short after it was let through.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn mark_short(&self, event_id: EventId, order_id: OrderId) -> Result<(), DbError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                if !inbox::first_time(tx, CONSUMER, event_id, now)? {
                    return Ok(());
                }
                match store::mark_short(tx, order_id, now)? {
                    Some(order) => say_changed(tx, &order),
                    None => Ok(()),
                }
            })
            .await
    }
}
