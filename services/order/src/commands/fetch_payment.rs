//! Asks Payment synchronously whether an order is paid, because PaymentCompleted may not have arrived yet when a person
//! changes the order or its deadline passes.

use std::time::{Duration, Instant};

use contracts::{
    ids::OrderId,
    order::{AmountDue, OrderStatus},
    payment::{CLOSE_SECONDS, CloseOrder},
    receipt::ReceiptPayment,
};
use web::CallError;

use super::Orders;
use crate::{error::OrderError, model::RecordedPayment};

/// What Payment answered before an order is cancelled or expired.
#[derive(Clone, Debug)]
pub(super) enum Closing {
    /// The order is unpaid, and Payment takes no money for it until the permit ends.
    Permitted(ClosePermit),
    /// The order is not PENDING. If it was paid, the payment is recorded now.
    NotPending,
}

/// Payment takes no money for the order while this is valid, so it may be cancelled or expired.
#[derive(Clone, Debug)]
pub(super) struct ClosePermit {
    order_number: String,
    /// The version that may be closed.
    pub(super) order_version: i64,
    valid_until: Instant,
}

impl ClosePermit {
    /// Refuses a write that comes too late.
    ///
    /// # Errors
    /// [`OrderError::ClosedTooLate`].
    pub(super) fn check(&self) -> Result<(), OrderError> {
        if Instant::now() < self.valid_until {
            Ok(())
        } else {
            Err(OrderError::ClosedTooLate(self.order_number.clone()))
        }
    }
}

impl Orders {
    /// Records the payment of a PENDING order that Payment took and Order does not know yet.
    ///
    /// # Errors
    /// [`OrderError`]: there is no such order, or Payment is unavailable.
    pub(super) async fn record_payment_if_taken(&self, order_id: OrderId) -> Result<(), OrderError> {
        let due = self.get_amount_due(order_id).await?;
        if due.status != OrderStatus::Pending {
            return Ok(());
        }
        let taken = self.fetch_payment(order_id).await;
        match taken.map_err(|error| OrderError::PaymentUnavailable(due.order_number, error))? {
            Some(payment) => self.record_taken_payment(order_id, &payment).await,
            None => Ok(()),
        }
    }

    /// Asks Payment to take no money for a PENDING order, so that it can be cancelled or expired. A payment that was
    /// taken already is recorded instead.
    ///
    /// # Errors
    /// [`OrderError`]: there is no such order, or Payment is unavailable.
    pub(super) async fn begin_closing(&self, order_id: OrderId) -> Result<Closing, OrderError> {
        let due = self.get_amount_due(order_id).await?;
        if due.status != OrderStatus::Pending {
            return Ok(Closing::NotPending);
        }
        let AmountDue { order_number, version: order_version, .. } = due;
        // Half of it: what the write still waits for after the check, such as a row or the disk, has the other half.
        let valid_until = Instant::now() + Duration::from_secs(CLOSE_SECONDS) / 2;
        let path = format!("/internal/Payment/order/{order_id}/close");
        let close = CloseOrder { order_version: order_version + 1 };
        match self.payment.post::<_, Option<ReceiptPayment>>(&path, &close).await {
            Ok(None) => Ok(Closing::Permitted(ClosePermit { order_number, order_version, valid_until })),
            Ok(Some(payment)) => {
                self.record_taken_payment(order_id, &payment).await?;
                Ok(Closing::NotPending)
            }
            Err(error) => Err(OrderError::PaymentUnavailable(order_number, error)),
        }
    }

    /// Payment's part of the receipt. `None`: Payment took no money for the order.
    pub(super) async fn fetch_payment(&self, order_id: OrderId) -> Result<Option<ReceiptPayment>, CallError> {
        self.payment.get(&format!("/internal/Payment/receipt/{order_id}")).await
    }

    async fn record_taken_payment(&self, order_id: OrderId, payment: &ReceiptPayment) -> Result<(), OrderError> {
        let &ReceiptPayment { payment_id, method, paid_at, .. } = payment;
        self.record_known_payment(RecordedPayment { order_id, payment_id, method, paid_at }).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_not_closed_after_payment_may_take_money_again() {
        let permit = |valid_until| ClosePermit { order_number: "A-0042".into(), order_version: 1, valid_until };
        assert!(permit(Instant::now() + Duration::from_secs(1)).check().is_ok());
        let refused = permit(Instant::now()).check().unwrap_err();
        assert!(refused.to_string().starts_with("Order A-0042 took too long to close"), "{refused}");
    }
}
