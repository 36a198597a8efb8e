//! The SQL: one statement per function, and no decisions.

mod codes;
mod devices;
mod dispenses;
mod orders;

pub(crate) use codes::{
    NewCode, acknowledge_dispute, activate_codes, correct_code, count_in_review, dispute_cup, expire_codes, find_code,
    insert_code, lease_code, list_codes, list_disputed, list_leases, list_orders_ahead_of_clock,
    list_orders_with_expired_codes, list_waiting, rebase_codes, redeem_code, release_lease, renew_grant,
    resolve_review, void_code, void_codes,
};
pub(crate) use devices::{
    Device, advance_sequence, confirm_journal, list_machines, lock_device, newest_sequence, next_grant,
    propose_journal, put_device,
};
pub(crate) use dispenses::{Dispense, close_dispense, find_dispense, insert_completed, insert_grant, record_decision};
pub(crate) use orders::{OrderState, find_order, lock_order, record_closed, record_open, record_paid};
