//! Payment through its router, with Order and the gateway played by the test.

mod api_document;
mod balance;
mod cash;
mod closing;
mod confirm;
mod events;
mod kiosks;
mod late_money;
mod lists;
mod qris;
mod receipts;
mod shop;
