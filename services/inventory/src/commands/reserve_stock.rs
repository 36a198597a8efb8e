//! Order asks for an order's stock before it accepts the order.

use contracts::{
    ids::OrderId,
    inventory::{ReleaseStock, ReserveStock},
};

use super::{
    Inventory,
    move_stock::{WhenShort, follow},
};
use crate::{
    error::InventoryError,
    model::{self, OrderIdTaken},
    store,
};

impl Inventory {
    /// `PUT /internal/Reservation/{orderId}` (step 1): holds what an order needs, all of it or nothing. The same
    /// order again gets the same answer; other items replace those of an order that was never placed.
    ///
    /// # Errors
    /// `OutOfStock` names everything that is missing; `OrderIdTaken` where the id is another order's.
    pub(crate) async fn reserve(&self, order_id: OrderId, asked: ReserveStock) -> Result<(), InventoryError> {
        model::check_reservation(&asked).map_err(InventoryError::Invalid)?;
        let order_version = asked.order_version;
        let items = model::merged(asked.items);
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let mut order = store::lock_order(tx, order_id, now)?;
                let changed = order.ask(order_version, &items);
                let changed = changed.map_err(|OrderIdTaken| InventoryError::OrderIdTaken(order_id))?;
                follow(tx, order, changed, WhenShort::Refuse, now)
            })
            .await
    }

    /// `POST /internal/Reservation/{orderId}/release`: gives back what Order asked for and did not write. An order that
    /// was placed keeps its stock.
    ///
    /// # Errors
    /// Where the database does not do it.
    pub(crate) async fn release(&self, order_id: OrderId, released: ReleaseStock) -> Result<(), InventoryError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let mut order = store::lock_order(tx, order_id, now)?;
                let changed = order.release(released.order_version);
                follow(tx, order, changed, WhenShort::LetThrough, now)
            })
            .await
    }
}
