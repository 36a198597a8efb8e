//! The SQL, one statement for each function. Nothing is decided here.

mod codes;
mod devices;
mod dispenses;
mod orders;

pub(crate) use codes::{
    NewCode, acknowledge, activate, attention, correct, dispute, due, end_lease, expire, find, insert, leased_by,
    of_order, renew, resolve, take, use_up, void, void_all,
};
pub(crate) use devices::{Device, begin_journal, count_grant, heard, is_former_journal};
pub(crate) use dispenses::{Dispense, close, decide, find as find_dispense, open, used_at_once};
pub(crate) use orders::{
    Standing, close as close_order, find as find_order, lock as lock_order, open as open_order, pay,
};
