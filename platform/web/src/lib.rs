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

pub use calls::{CallError, PEER_ANSWER_BYTES_MAX, PEER_TIMEOUT_MS, Peer, Peers};
pub use extract::{BODY_BYTES_MAX, IDEMPOTENCY_KEY_CHARS_MAX, Json, Path, Query, Submission};
pub use guard::{REQUEST_SECONDS_MAX, REQUESTS_IN_FLIGHT_MAX};
pub use metrics::{MetricsHandle, install};
pub use problem::{Problem, RETRY_AFTER_SECONDS};
pub use reply::Created;
pub use service::{Ready, finish, ready};
pub use shutdown::stop_signal;
