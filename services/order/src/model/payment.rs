//! The decision on a payment, and the explanation of a refused transition.

use contracts::{
    ids::{OrderId, PaymentId},
    order::OrderStatus,
    payment::PaymentMethod,
    time::Timestamp,
};

/// A payment as an order's row keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordedPayment {
    pub(crate) order_id: OrderId,
    pub(crate) payment_id: PaymentId,
    pub(crate) method: PaymentMethod,
    pub(crate) paid_at: Timestamp,
}

/// What decides on a payment, read at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PaymentState {
    pub(crate) status: OrderStatus,
    /// The payment that paid the order.
    pub(crate) paid_by: Option<PaymentId>,
    /// Whether an earlier late payment is refunded, so that nothing revives the order.
    pub(crate) late_payment_refused: bool,
}

/// The decision on a payment whose order was not PENDING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentDecision {
    /// It was recorded before.
    AlreadyRecorded,
    /// It came late: it revives the order if the stock can still be reserved.
    ReviveOrder,
    /// The order became PENDING concurrently: record it again.
    Retry,
    /// The order can never take it: it is refunded, for this reason.
    Refund(&'static str),
}

/// Decides on a payment whose order was not PENDING. Refunds only what no later change of the order could use.
#[must_use]
pub(crate) fn decide_payment(order: &PaymentState, payment_id: PaymentId) -> PaymentDecision {
    if order.paid_by == Some(payment_id) {
        return PaymentDecision::AlreadyRecorded;
    }
    match order.status {
        OrderStatus::Pending => PaymentDecision::Retry,
        OrderStatus::Expired if !order.late_payment_refused => PaymentDecision::ReviveOrder,
        OrderStatus::Expired => PaymentDecision::Refund("the order expired, and an earlier payment of it is refunded"),
        OrderStatus::Cancelled => PaymentDecision::Refund("the order was cancelled"),
        OrderStatus::Processing | OrderStatus::Ready | OrderStatus::Completed => {
            PaymentDecision::Refund("the order was paid by another payment")
        }
    }
}

/// Why a person cannot move an order from `from` to `to`, and what to do instead.
#[must_use]
pub(crate) fn explain_refused_transition(from: OrderStatus, to: OrderStatus) -> String {
    let advice = match (from, to) {
        (OrderStatus::Pending, _) => "It is not paid yet: take the payment first.",
        (OrderStatus::Expired, _) => "It was not paid in time: set it to PENDING to revive it, then take the payment.",
        (OrderStatus::Cancelled, _) => "It was cancelled: place a new order.",
        (OrderStatus::Completed, _) => "Its guest has it already.",
        (OrderStatus::Processing | OrderStatus::Ready, OrderStatus::Cancelled) => {
            "It is paid: refund its payment first."
        }
        (OrderStatus::Processing | OrderStatus::Ready, _) => "It is paid and being made: set it to READY or COMPLETED.",
    };
    format!("An order that is {from} cannot become {to}. {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

    #[test]
    fn a_payment_is_refunded_only_if_its_order_can_never_take_it() {
        let [this, another] = [PaymentId::new(NOW), PaymentId::new(NOW)];
        let decide = |status, paid_by, late_payment_refused| {
            decide_payment(&PaymentState { status, paid_by, late_payment_refused }, this)
        };
        use OrderStatus::{Cancelled, Completed, Expired, Pending, Processing, Ready};
        assert_eq!(decide(Pending, None, false), PaymentDecision::Retry, "it was revived in the same moment");
        assert_eq!(decide(Expired, None, false), PaymentDecision::ReviveOrder);
        for status in [Processing, Ready, Completed] {
            assert_eq!(decide(status, Some(this), false), PaymentDecision::AlreadyRecorded, "{status:?}");
            assert!(matches!(decide(status, Some(another), false), PaymentDecision::Refund(_)), "{status:?}");
        }
        assert!(matches!(decide(Expired, None, true), PaymentDecision::Refund(_)));
        assert!(matches!(decide(Cancelled, None, false), PaymentDecision::Refund(_)));
    }
}
