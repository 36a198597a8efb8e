//! What a service gets ([`ServiceContext`]), what it returns ([`Service`]), and what runs it ([`ServiceHost`]).
//!
//! Owns the work behind every service: it publishes the outbox, delivers the events of others, runs timers, redrives
//! dead letters when a person requests it, and prunes old rows. Does not know what any of it is about.

mod consumer;
mod context;
mod credentials;
mod databases;
mod outbox;
mod pruning;
mod readiness;
mod redrive;
mod repeated_error;
mod run_to_end;
mod service_host;
mod shared_cache;
mod shop_rules;
mod shutdown;
mod timers;

pub use consumer::{Event, EventConsumer, retry};
pub use context::{Service, ServiceContext, Timer};
pub use databases::Databases;
pub use readiness::ready;
pub use run_to_end::run_to_end;
pub use service_host::{NotIdle, ServiceHost};
pub use shared_cache::{NotCached, put_product_card, put_receipt_part};
pub use shop_rules::SharedShopRules;

#[cfg(test)]
mod tests;
