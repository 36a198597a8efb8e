//! `GET /api/Order/{orderId}`, and what Payment asks before it takes money: `GET /internal/Order/{orderId}/due`.

use contracts::{
    ids::OrderId,
    order::{AmountDue, OrderView},
};

use super::Orders;
use crate::{error::OrderError, store};

impl Orders {
    /// One order.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`].
    pub(crate) async fn get_order(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        let find =
            move |tx: &mut db::Tx<'_>| store::find_order(tx, order_id)?.ok_or(OrderError::UnknownOrder(order_id));
        self.db.point_read(find).await.map(OrderView::from)
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
