//! The rules of payments: what may be taken, what a payment is, when the gateway is polled again.

mod order_snapshot;
mod payment;
mod poll_schedule;
mod validate_payment;

pub(crate) use order_snapshot::{AmountDueRow, Closing, OrderSnapshot};
pub(crate) use payment::{ALREADY_PAID_REASON, Payment, QrCharge, receipt_payment};
pub(crate) use poll_schedule::{POLL_INTERVAL_MAX, next_poll, next_poll_without_answer};
pub(crate) use validate_payment::{
    CashPayment, ValidatedPayment, available_methods, methods_at_kiosk, validate_payment,
};
