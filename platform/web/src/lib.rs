//! HTTP as every service speaks it: problems, extractors, health, metrics, OpenAPI, calls to other services, shutdown.
//!
//! Owns how a request is read and how a refusal looks, so that no service answers in a way of its own: whatever
//! the framework would say in plain text is a [`Problem`] here. Refuses to know what any request means.

mod calls;
mod extract;
mod guard;
mod metrics;
mod problem;
mod reply;
mod service;
mod shutdown;
#[cfg(test)]
mod tests;
mod versions;

pub use calls::{CallError, Peer, Peers};
pub use extract::{Json, Path, Query, Submission};
pub use problem::Problem;
pub use reply::Created;
pub use service::{Ready, finish, ready, without_internal};
pub use shutdown::stop_signal;
pub use versions::{etag, if_match};
