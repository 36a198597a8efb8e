//! `GET /api/Order/{orderId}`, and what Payment asks before it takes money: `GET /internal/Order/{orderId}/due`.

use contracts::{
    ids::OrderId,
    order::{AmountDue, OrderView},
};

use super::Orders;
use crate::{error::OrderError, model::Viewer, store};

impl Orders {
    /// One order, if `viewer` sees it.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`]: it does not exist, or is another kiosk's, which must not be told apart.
    pub(crate) async fn get_order(&self, viewer: Viewer, order_id: OrderId) -> Result<OrderView, OrderError> {
        let find = move |tx: &mut db::Tx<'_>| {
            let order = store::find_order(tx, order_id)?.filter(|order| viewer.sees(&order.header.placed_by));
            order.ok_or(OrderError::UnknownOrder(order_id))
        };
        self.db.point_read(find).await.map(OrderView::from)
    }

    /// Refuses an order that `viewer` does not see.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`].
    pub(super) async fn check_visible(&self, viewer: Viewer, order_id: OrderId) -> Result<(), OrderError> {
        match viewer {
            // A command that changes the order finds out whether it exists.
            Viewer::Shop => Ok(()),
            Viewer::Kiosk(_) => self.get_order(viewer, order_id).await.map(|_| ()),
        }
    }

    /// What is owed for an order, and its status.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`].
    pub(crate) async fn get_amount_due(&self, order_id: OrderId) -> Result<AmountDue, OrderError> {
        let find =
            move |tx: &mut db::Tx<'_>| store::find_amount_due(tx, order_id)?.ok_or(OrderError::UnknownOrder(order_id));
        self.db.point_read(find).await
    }
}
