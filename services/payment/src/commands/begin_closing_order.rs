//! `POST /internal/Payment/order/{orderId}/close`: Order is about to cancel or expire an order.

use std::time::Duration;

use contracts::{
    ids::OrderId,
    payment::{CLOSE_SECONDS, CloseOrder},
    receipt::ReceiptPayment,
};

use super::Payments;
use crate::{error::PaymentError, model, store};

/// The version of an order that was just placed. Closing it makes a later one.
const FIRST_ORDER_VERSION: i64 = 1;

impl Payments {
    /// One write decides between a payment and the closing, so that not both succeed. Payment's part of the receipt if
    /// the order is paid. `None`: no money is taken for the order during [`CLOSE_SECONDS`], which is long enough for
    /// Order to write; OrderCancelled or OrderExpired then closes it for good.
    #[tracing::instrument(level = "debug", skip_all, fields(%order_id))]
    pub(crate) async fn begin_closing_order(
        &self,
        order_id: OrderId,
        request: CloseOrder,
    ) -> Result<Option<ReceiptPayment>, PaymentError> {
        if request.order_version <= FIRST_ORDER_VERSION {
            return Err(PaymentError::InvalidClosing(request.order_version));
        }
        let until = self.clock.now() + Duration::from_secs(CLOSE_SECONDS);
        self.db
            .write(move |tx| {
                if store::begin_closing(tx, order_id, request.order_version, until)? {
                    return Ok(None);
                }
                let paid = store::find_paid_of_order(tx, order_id)?;
                paid.and_then(|payment| model::receipt_payment(&payment.view()))
                    .map(Some)
                    .ok_or(PaymentError::ConcurrentChange)
            })
            .await
    }
}
