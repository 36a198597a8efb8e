//! Tests of the whole program as a shop runs it: the real binary, over HTTP, started, killed and restarted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod access;
mod api;
mod api_client;
mod bad_input;
mod books;
mod command_line;
mod concurrent_clients;
mod crash;
mod metrics;
mod order_to_cup;
mod program;
mod staff;
mod timers;
mod wait;
