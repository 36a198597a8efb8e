//! What payments can be asked to do, a file for each use case.

mod ask;
mod confirm;
mod pay;
mod pay_by_qris;
mod read;
mod receipt;
mod settle;
mod watch;

pub(crate) use settle::close_order;
