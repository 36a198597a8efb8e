//! What the tests of every service need: a [`World`] with databases, a clock that the test moves, a bus that records,
//! a cache and stubs of other services; and a [`Client`] that sends requests like a browser.
//!
//! It panics like a test: an error is a defect of the test or of the code under test.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod client;
mod credentials;
mod menu;
mod randomness;
mod recording_bus;
mod world;

pub use client::{Client, Reply};
pub use credentials::{Credentials, device, device_id, staff};
pub use menu::product_card;
pub use randomness::{permutations, seed};
pub use world::World;

#[cfg(test)]
mod tests;
