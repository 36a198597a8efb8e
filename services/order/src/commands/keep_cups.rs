//! CodesIssued, DispenseCompleted, DispenseFailed and StockShort: what others say of an order's cups and stock.

use contracts::{event::StockShort, ids::OrderId, order::OrderView, qr::CodeView, time::Timestamp};
use db::{
    DbError, Tx,
    inbox::{self, Delivery},
};

use super::{Orders, complete_order::complete_if_poured, say_changed};
use crate::store::{self, CupChange};

impl Orders {
    /// Keeps what QR says of an order's cups. When machines have poured the last one, the order is complete.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn keep_cups(&self, delivery: Delivery, cups: Vec<CodeView>) -> Result<(), DbError> {
        let now = self.clock.now();
        let changed = self.db.write_deferred(move |tx| write_cups(tx, delivery, &cups, now)).await?;
        if let Some(order) = changed {
            self.cache_receipt(&order).await;
        }
        Ok(())
    }

    /// Marks an order whose stock fell short after it was let through, unless it lives again since with other stock.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn mark_short(&self, delivery: Delivery, short: StockShort) -> Result<(), DbError> {
        let now = self.clock.now();
        self.db
            .write_deferred(move |tx| {
                if !inbox::insert_if_new(tx, delivery, now)? {
                    return Ok(());
                }
                match store::mark_short(tx, short.order_id, short.order_version, now)? {
                    Some(order) => say_changed(tx, &order),
                    None => Ok(()),
                }
            })
            .await
    }
}

/// Answers the order where its cups changed in something that it shows.
fn write_cups(
    tx: &mut Tx<'_>,
    delivery: Delivery,
    cups: &[CodeView],
    now: Timestamp,
) -> Result<Option<OrderView>, DbError> {
    if !inbox::insert_if_new(tx, delivery, now)? {
        return Ok(None);
    }
    let mut seen: Option<OrderId> = None;
    for cup in cups {
        if store::keep_cup(tx, cup)? == CupChange::Seen {
            seen = Some(cup.order_id);
        }
    }
    let Some(order) = seen.map(|order_id| store::touch(tx, order_id, now)).transpose()?.flatten() else {
        return Ok(None);
    };
    say_changed(tx, &order)?;
    complete_if_poured(tx, order, now).map(Some)
}
