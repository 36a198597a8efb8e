//! `PUT /internal/Reservation/{orderId}`.

use contracts::{ids::OrderId, inventory::ReserveStock};

use super::{
    Inventory,
    reallocate::{OnShortage, reallocate},
};
use crate::{
    error::InventoryError,
    model::{self, OrderIdTaken},
    store,
};

impl Inventory {
    /// Step 1: holds what an order needs, all of it or nothing, before Order accepts the order. A repeated request gets
    /// the same answer; other items replace those of an order that was never placed.
    ///
    /// # Errors
    /// `OutOfStock` names everything that is missing; `OrderIdTaken` if the id belongs to another order.
    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    pub(crate) async fn reserve_stock(&self, order_id: OrderId, request: ReserveStock) -> Result<(), InventoryError> {
        model::check_reservation(&request).map_err(InventoryError::Invalid)?;
        let order_version = request.order_version;
        let items = model::merge_items(request.items);
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let mut reservation = store::lock_reservation(tx, order_id, now)?;
                let change = reservation.request(order_version, &items);
                let change = change.map_err(|OrderIdTaken| InventoryError::OrderIdTaken(order_id))?;
                reallocate(tx, reservation, change, OnShortage::Refuse, now)
            })
            .await
    }
}
