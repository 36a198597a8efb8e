//! The stock follows what becomes of an order, whatever order the events come in.

use std::time::Duration;

use contracts::ids::OrderId;
use db::inbox::{self, Delivery};

use super::{
    Inventory,
    move_stock::{WhenShort, follow},
};
use crate::{
    error::InventoryError,
    model::{Changed, Said},
    store,
};

/// How long stock is held for an order of which no event comes: Order stopped between asking and accepting. Many
/// times what an event takes, even where a broker was away for a while; one that comes later takes the stock again.
const RESERVATION_UNCONFIRMED_LIFE: Duration = Duration::from_secs(10 * 60);
/// How often such reservations are looked for.
pub(crate) const LAPSE_EVERY: Duration = Duration::from_secs(30);
/// How many lapse in one run; the rest do in the next.
const LAPSES_PER_RUN_MAX: u32 = 200;

impl Inventory {
    /// Takes in what an event said of an order, once.
    ///
    /// # Errors
    /// Where the database does not do it.
    pub(crate) async fn hear(&self, delivery: Delivery, order_id: OrderId, said: Said) -> Result<(), InventoryError> {
        let now = self.clock.now();
        self.db
            .write_deferred(move |tx| {
                if !inbox::insert_if_new(tx, delivery, now)? {
                    return Ok(());
                }
                let mut order = store::lock_order(tx, order_id, now)?;
                let changed = order.hear(&said);
                follow(tx, order, changed, WhenShort::LetThrough, now)
            })
            .await
    }

    /// Gives back the stock of orders that were never placed.
    ///
    /// # Errors
    /// Where the database does not do it.
    pub(crate) async fn lapse_unconfirmed(&self) -> Result<(), InventoryError> {
        let now = self.clock.now();
        let before = now - RESERVATION_UNCONFIRMED_LIFE;
        let orders = self.db.read(move |tx| store::unconfirmed_since(tx, before, LAPSES_PER_RUN_MAX)).await?;
        for order_id in orders {
            // A transaction each: two orders' rows are never held at once.
            let lapsed = self.db.write::<_, InventoryError, _>(move |tx| {
                let mut order = store::lock_order(tx, order_id, now)?;
                let changed = order.lapse(before);
                follow(tx, order, changed, WhenShort::LetThrough, now)?;
                Ok(changed == Changed::State)
            });
            if lapsed.await? {
                tracing::info!(%order_id, "reservation lapsed: its order was never placed");
            }
        }
        Ok(())
    }
}
