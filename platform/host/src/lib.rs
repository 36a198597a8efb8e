//! What a service is handed ([`ServiceContext`]), what it hands back ([`Service`]), and how it is kept running ([`Host`]).
//!
//! Owns the work that goes on behind every service: its events leave the outbox, those of others reach it, its timers
//! tick, its dead letters are tried again when a person asks, and what is old is forgotten. Refuses to know what any
//! of it is about.

mod consumer;
mod context;
mod databases;
mod host;
mod outbox;
mod pruning;
mod readiness;
mod redrive;
mod run_to_end;
mod shared_cache;
mod shop;
mod shutdown;
mod timers;

pub use consumer::{Event, EventConsumer, retry};
pub use context::{Service, ServiceContext, Timer};
pub use databases::Databases;
pub use host::{Host, NotIdle};
pub use readiness::ready;
pub use run_to_end::run_to_end;
pub use shared_cache::{NotCached, put_product_card, put_receipt_part};
pub use shop::SharedShopRules;

#[cfg(test)]
mod tests;
