//! CodesIssued, DispenseCompleted, DispenseFailed and StockShort: what others say of an order's cups and stock.

use contracts::{
    event::StockShort,
    ids::{EventId, OrderId},
    order::OrderView,
    qr::CodeView,
    time::Micros,
};
use db::{DbError, Tx, inbox};

use super::{Orders, complete_order::complete_if_poured, say_changed};
use crate::{
    NAME,
    store::{self, CupChange},
};

impl Orders {
    /// Keeps what QR says of an order's cups. When machines have poured the last one, the order is complete.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn keep_cups(&self, event_id: EventId, cups: Vec<CodeView>) -> Result<(), DbError> {
        let now = self.clock.now();
        let changed = self.db.write_soon(move |tx| write_cups(tx, event_id, &cups, now)).await?;
        if let Some(order) = changed {
            self.cache_receipt(&order).await;
        }
        Ok(())
    }

    /// Marks an order whose stock fell short after it was let through, unless it lives again since with other stock.
    ///
    /// # Errors
    /// Where the database did not take it: the event comes again.
    pub(crate) async fn mark_short(&self, event_id: EventId, short: StockShort) -> Result<(), DbError> {
        let now = self.clock.now();
        self.db
            .write_soon(move |tx| {
                if !inbox::first_time(tx, NAME, event_id, now)? {
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
    event_id: EventId,
    cups: &[CodeView],
    now: Micros,
) -> Result<Option<OrderView>, DbError> {
    if !inbox::first_time(tx, NAME, event_id, now)? {
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
