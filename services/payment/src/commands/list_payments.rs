//! `GET /api/Payment` and `GET /api/Payment/order/{orderId}`.

use contracts::{PAGE_ROWS_MAX, Page, ids::OrderId, payment::PaymentView};

use super::Payments;
use crate::{
    error::PaymentError,
    model::Payment,
    store::{self, PaymentFilter},
};

impl Payments {
    /// One page of payments: newest first, or oldest first those to refund.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn list_payments(
        &self,
        filter: PaymentFilter,
        limit: u32,
    ) -> Result<Page<PaymentView>, PaymentError> {
        let payments = self.db.read(move |tx| store::list_payments(tx, &filter, limit + 1)).await?;
        let views = payments.iter().map(Payment::view).collect();
        Ok(Page::of(views, limit, |payment: &PaymentView| payment.payment_id))
    }

    /// The payments of an order, newest first.
    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    pub(crate) async fn list_order_payments(&self, order_id: OrderId) -> Result<Vec<PaymentView>, PaymentError> {
        let filter = PaymentFilter { order_id: Some(order_id), ..PaymentFilter::default() };
        let payments = self.db.read(move |tx| store::list_payments(tx, &filter, PAGE_ROWS_MAX)).await?;
        Ok(payments.iter().map(Payment::view).collect())
    }
}
