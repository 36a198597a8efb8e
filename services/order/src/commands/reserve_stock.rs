//! Asks Inventory to reserve the stock of an order, and to release it if the order is not written.

use contracts::{
    ids::OrderId,
    inventory::{ReleaseStock, ReserveStock},
    order::{OrderStatus, StockCheck},
};
use web::CallError;

use super::Orders;
use crate::{
    error::{OrderError, ReservationError},
    model::Viewer,
};

impl Orders {
    /// Asks Inventory to reserve what an order needs. If Inventory is unavailable the order is accepted as
    /// DEFERRED, because a shop that cannot sell is worse than a late stock count.
    pub(super) async fn reserve_stock(
        &self,
        order_id: OrderId,
        needs: &ReserveStock,
    ) -> Result<StockCheck, ReservationError> {
        let path = format!("/internal/Reservation/{order_id}");
        match self.inventory.put::<_, serde_json::Value>(&path, needs).await {
            Ok(_) => Ok(StockCheck::Reserved),
            Err(CallError::Refused(problem)) => Err(ReservationError::from(problem)),
            Err(error) => {
                tracing::warn!(%order_id, error = %errors::chain(&error), "stock reservation deferred");
                Ok(StockCheck::Deferred)
            }
        }
    }

    /// Releases the stock that was reserved for this version of an order, unless another request wrote that version. A
    /// rename also raises the version of an EXPIRED order, and uses no stock. If the release fails, Inventory releases
    /// the stock by itself later.
    pub(super) async fn release_stock_unless_written(&self, order_id: OrderId, order_version: i64) {
        match self.get_order(Viewer::Shop, order_id).await {
            Ok(order) if order.status != OrderStatus::Expired && order.version >= order_version => {}
            Ok(_) | Err(OrderError::UnknownOrder(_)) => self.release_stock(order_id, order_version).await,
            Err(error) => tracing::warn!(%order_id, error = %errors::chain(&error), "stock not released"),
        }
    }

    async fn release_stock(&self, order_id: OrderId, order_version: i64) {
        let path = format!("/internal/Reservation/{order_id}/release");
        let released = self.inventory.post::<_, serde_json::Value>(&path, &ReleaseStock { order_version }).await;
        if let Err(error) = released {
            tracing::warn!(%order_id, error = %errors::chain(&error), "stock not released");
        }
    }
}
