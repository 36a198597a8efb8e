//! The timer that releases stock which no order confirmed.

use std::time::Duration;

use contracts::ids::OrderId;
use db::Tx;

use super::{
    Inventory,
    reallocate::{OnShortage, reallocate},
};
use crate::{error::InventoryError, model::ReservationChange, store};

/// How long stock is held for an order of which no event comes, because Order stopped between the request and the
/// write. Many times what an event takes, even after an outage of the bus; an event that comes later holds the stock
/// again.
const UNCONFIRMED_RESERVATION_TTL: Duration = Duration::from_secs(10 * 60);
/// The pause between two runs of the timer.
pub(crate) const EXPIRE_RESERVATIONS_EVERY: Duration = Duration::from_secs(30);
/// How many expire in one run; the next run takes the rest.
const EXPIRED_PER_RUN_MAX: u32 = 200;

impl Inventory {
    /// Releases the stock of orders that were never placed.
    pub(crate) async fn expire_reservations(&self) -> Result<(), InventoryError> {
        let now = self.clock.now();
        self.restamp_future_reservations().await?;
        let before = now - UNCONFIRMED_RESERVATION_TTL;
        for order_id in self.db.read(move |tx| store::list_unconfirmed(tx, before, EXPIRED_PER_RUN_MAX)).await? {
            if self.expire_reservation(order_id).await? {
                tracing::info!(%order_id, "reservation expired: its order was never placed");
            }
        }
        Ok(())
    }

    /// A clock that ran ahead and was set back leaves rows from the future, which would hold their stock until the
    /// clock has caught up. Their age is unknown, so their time to live begins now.
    async fn restamp_future_reservations(&self) -> Result<(), InventoryError> {
        let now = self.clock.now();
        if !self.db.read(move |tx| store::has_unconfirmed_after(tx, now)).await? {
            return Ok(());
        }
        let restamp = move |tx: &mut Tx<'_>| Ok::<_, InventoryError>(store::restamp_unconfirmed_after(tx, now)?);
        let reservations = self.db.write(restamp).await?;
        tracing::warn!(reservations, "reservations are from the future: the clock was set back");
        Ok(())
    }

    /// One transaction for each: the rows of two orders are never locked at once.
    async fn expire_reservation(&self, order_id: OrderId) -> Result<bool, InventoryError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let mut reservation = store::lock_reservation(tx, order_id, now)?;
                let change = reservation.expire(now - UNCONFIRMED_RESERVATION_TTL);
                reallocate(tx, reservation, change, OnShortage::Accept, now)?;
                Ok(change == ReservationChange::State)
            })
            .await
    }
}
