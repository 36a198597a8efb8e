//! What the fuzz targets call: every parser of bytes from outside, with what must hold for any bytes.
//!
//! Each [`Target`] has a folder of the same name in `fuzz/corpus` and a program in `fuzz/targets` for cargo-fuzz. A test
//! runs each over its corpus and over random mutations of it. A target panics if something does not hold.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bodies;
mod credentials;
mod hosts;
mod mutations;
mod requests;
mod settings;
mod values;

pub use bodies::bodies;
pub use credentials::{signatures, tokens};
pub use hosts::{addresses, hosts, traceparents};
pub use mutations::Mutator;
pub use requests::requests;
pub use settings::{events, settings};
pub use values::{amounts, ids, times};

/// A parser, and what must hold for any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, of its corpus, and of its program in `fuzz/targets`.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
    /// How many random inputs the test runs: together they take a few seconds.
    pub mutations: u32,
}

/// Every target.
pub const TARGETS: [Target; 12] = [
    Target { name: "addresses", run: addresses, mutations: 2_000 },
    Target { name: "amounts", run: amounts, mutations: 5_000 },
    Target { name: "bodies", run: bodies, mutations: 1_000 },
    Target { name: "events", run: events, mutations: 2_000 },
    Target { name: "hosts", run: hosts, mutations: 2_000 },
    Target { name: "ids", run: ids, mutations: 5_000 },
    Target { name: "requests", run: requests, mutations: 500 },
    Target { name: "settings", run: settings, mutations: 1_000 },
    Target { name: "signatures", run: signatures, mutations: 2_000 },
    Target { name: "times", run: times, mutations: 5_000 },
    Target { name: "tokens", run: tokens, mutations: 300 },
    Target { name: "traceparents", run: traceparents, mutations: 5_000 },
];

/// The bytes as text, if they are.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
