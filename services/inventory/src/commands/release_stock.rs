//! `POST /internal/Reservation/{orderId}/release`.

use contracts::{ids::OrderId, inventory::ReleaseStock};

use super::{
    Inventory,
    reallocate::{OnShortage, reallocate},
};
use crate::{error::InventoryError, store};

impl Inventory {
    /// Releases what Order requested and did not write. An order that was placed keeps its stock.
    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    pub(crate) async fn release_stock(&self, order_id: OrderId, release: ReleaseStock) -> Result<(), InventoryError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let mut reservation = store::lock_reservation(tx, order_id, now)?;
                let change = reservation.release(release.order_version);
                reallocate(tx, reservation, change, OnShortage::Accept, now)
            })
            .await
    }
}
