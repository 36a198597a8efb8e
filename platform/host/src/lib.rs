//! What a service is handed ([`Surroundings`]), what it hands back ([`Service`]), and how it is kept running ([`Host`]).
//!
//! Owns the work that goes on behind every service: its events leave the outbox, those of others reach it, its timers
//! tick, its dead letters are tried again when a person asks, and what is old is forgotten. Refuses to know what any
//! of it is about.

mod consumer;
mod databases;
mod dead_letters;
mod forgetting;
mod outbox;
mod readiness;
mod running;
mod shop;
mod stop;
mod surroundings;
mod timers;

pub use consumer::{consumer, later, read_event};
pub use databases::Databases;
pub use readiness::ready;
pub use running::{Host, Unsettled};
pub use shop::ShopFeed;
pub use stop::{Stop, Stopper, stopper};
pub use surroundings::{Service, Surroundings, Timer};

#[cfg(test)]
mod tests;
