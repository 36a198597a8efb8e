//! What the tests of every service need: a [`World`] with databases, a clock that stands still, a bus that remembers,
//! a cache and peers; and a [`Client`] that asks a service as a browser would.
//!
//! It panics where a test would: what is wrong is wrong with the test or the code under test.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod chance;
mod client;
mod menu;
mod recording;
mod world;

pub use chance::{permutations, seed};
pub use client::{Client, Reply};
pub use menu::product_card;
pub use world::World;

#[cfg(test)]
mod tests;
