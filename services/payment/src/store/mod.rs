//! The SQL of payments: one statement, one function.
//!
//! A transaction that changes which payment pays an order touches `amounts_due` first, so that two transactions of one
//! order wait for each other there and nowhere else.

mod amounts_due;
mod payments;
#[cfg(test)]
mod tests;
mod transactions;

pub(crate) use amounts_due::{
    Claim, begin_closing, claim_order, claim_order_for_qr, close_order, find_amount_due, release_claim, reopen_order,
    upsert_amount_due,
};
pub(crate) use payments::{
    PaymentFilter, expire_payment, expire_pending_of_order, fail_payment, find_due_for_poll, find_paid_of_order,
    find_payment, find_payment_of_device, insert_payment, list_payments, list_unsettled_of_order, mark_paid,
    mark_refund_due, mark_surplus_money, reopen_payment, schedule_poll,
};
pub(crate) use transactions::{TransactionKind, insert_transaction};

#[cfg(test)]
pub(crate) use {
    amounts_due::list_amounts_due,
    transactions::{list_balances, list_transactions},
};
