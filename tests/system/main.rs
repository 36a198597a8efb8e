//! The whole program, as a shop runs it: the real binary, over HTTP, started, killed and started again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod api;
mod bad_input;
mod balance;
mod books;
mod command_line;
mod crash;
mod http;
mod patience;
mod program;
mod time_passes;
mod walk;
