//! `GET /api/Payment/{paymentId}` and `GET /internal/Payment/receipt/{orderId}`.

use contracts::{
    ids::{DeviceId, OrderId, PaymentId},
    payment::PaymentView,
    receipt::ReceiptPayment,
};

use db::Tx;

use super::Payments;
use crate::{error::PaymentError, model, store};

impl Payments {
    /// One payment. A `kiosk` gets those of its own orders only: another's does not exist for it.
    #[tracing::instrument(level = "debug", skip_all, fields(%payment_id))]
    pub(crate) async fn get_payment(
        &self,
        kiosk: Option<DeviceId>,
        payment_id: PaymentId,
    ) -> Result<PaymentView, PaymentError> {
        let find = move |tx: &mut Tx<'_>| match kiosk {
            Some(kiosk) => store::find_payment_of_device(tx, payment_id, kiosk),
            None => store::find_payment(tx, payment_id),
        };
        let payment = self.db.point_read(find).await?;
        payment.map(|payment| payment.view()).ok_or(PaymentError::UnknownPayment(payment_id))
    }

    /// Payment's part of an order's receipt. `None`: the order is not paid.
    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    pub(crate) async fn get_receipt_payment(&self, order_id: OrderId) -> Result<Option<ReceiptPayment>, PaymentError> {
        let paid = self.db.point_read(move |tx| store::find_paid_of_order(tx, order_id)).await?;
        Ok(paid.and_then(|payment| model::receipt_payment(&payment.view())))
    }
}
