//! The events of an order and its payment: its stock follows them, in whatever order they come.

use contracts::{
    event::{PaymentCompleted, PlacedItem, PlacedOrder},
    ids::OrderId,
    inventory::ReserveItem,
};
use db::inbox::{self, Delivery};

use super::{
    Inventory,
    reallocate::{OnShortage, reallocate},
};
use crate::{
    error::InventoryError,
    model::{self, OrderUpdate},
    store,
};

impl Inventory {
    /// `OrderCreated` and `OrderRevived`: the order holds its stock, or consumes it if it is paid.
    pub(crate) async fn record_placed_order(
        &self,
        delivery: Delivery,
        order: PlacedOrder,
    ) -> Result<(), InventoryError> {
        let PlacedOrder { order_id, order_version, items, .. } = order;
        let items = model::merge_items(items.into_iter().map(reserve_item));
        self.update_order_stock(delivery, order_id, OrderUpdate::Placed { order_version, items }).await
    }

    /// `OrderCancelled` and `OrderExpired`: the order's stock goes back.
    pub(crate) async fn record_closed_order(
        &self,
        delivery: Delivery,
        order_id: OrderId,
        order_version: i64,
    ) -> Result<(), InventoryError> {
        self.update_order_stock(delivery, order_id, OrderUpdate::Closed { order_version }).await
    }

    /// `OrderCompleted`: every cup and item was handed over.
    pub(crate) async fn record_completed_order(
        &self,
        delivery: Delivery,
        order_id: OrderId,
        order_version: i64,
    ) -> Result<(), InventoryError> {
        self.update_order_stock(delivery, order_id, OrderUpdate::Completed { order_version }).await
    }

    /// `PaymentCompleted`: the order's stock leaves the shelf.
    pub(crate) async fn record_payment(
        &self,
        delivery: Delivery,
        payment: PaymentCompleted,
    ) -> Result<(), InventoryError> {
        self.update_order_stock(delivery, payment.order_id, OrderUpdate::Paid).await
    }

    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    async fn update_order_stock(
        &self,
        delivery: Delivery,
        order_id: OrderId,
        update: OrderUpdate,
    ) -> Result<(), InventoryError> {
        let now = self.clock.now();
        self.db
            .write_deferred(move |tx| {
                inbox::once(tx, delivery, now, |tx| {
                    let mut reservation = store::lock_reservation(tx, order_id, now)?;
                    let change = reservation.apply(&update);
                    reallocate(tx, reservation, change, OnShortage::Accept, now)
                })
                .map(drop)
            })
            .await
    }
}

fn reserve_item(item: PlacedItem) -> ReserveItem {
    ReserveItem {
        product_id: item.product_id,
        quantity: item.quantity,
        options: item.options,
        dispense_ml: item.dispense_ml,
    }
}
