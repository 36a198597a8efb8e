//! Metrics of payments. Each is counted once, after the commit that decides.

use contracts::payment::{PaymentMethod, PaymentStatus};
use metrics::counter;

/// Counts a payment whose money has arrived: it pays its order, or must be refunded.
pub(super) fn count_payment(status: PaymentStatus, method: PaymentMethod) {
    match status {
        PaymentStatus::Paid => {
            let method: &'static str = method.into();
            counter!("payments_completed_total", "method" => method).increment(1);
        }
        PaymentStatus::RefundDue => counter!("payments_refund_due_total").increment(1),
        PaymentStatus::Pending | PaymentStatus::Failed | PaymentStatus::Expired => {}
    }
}
