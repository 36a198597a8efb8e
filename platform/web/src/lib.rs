//! HTTP for every service: the server, problems, extractors, health, metrics, OpenAPI, calls to other services, shutdown.
//!
//! Owns how a request is read and how a refusal looks, so that all services do it alike: whatever the framework
//! refuses in plain text is a [`Problem`] here. Does not know what any request means.

mod authentication;
mod caller;
mod client;
mod created;
mod etag;
mod extract;
mod guard;
mod metrics;
mod observed_request;
mod openapi;
mod peer;
mod problem;
mod rate_limits;
mod readiness;
mod repeated_refusals;
mod request_id;
mod request_limits;
mod routes;
mod server;
mod service;
mod shutdown;
mod signed_request;
#[cfg(test)]
mod tests;
mod verified_caller;

pub use authentication::{APPROVAL_HEADER, DEVICE_COOKIE, SESSION_COOKIE, ServiceCall, cookie};
pub use caller::Caller;
pub use client::{CallError, ServiceClient, ServiceRegistry};
pub use created::Created;
pub use etag::{etag, if_match};
pub use extract::{IdempotentJson, Json, Path, Query, sha256_hex};
pub use metrics::install_metrics;
pub use openapi::incomplete_operations;
pub use peer::Peer;
pub use problem::Problem;
pub use rate_limits::PinLimit;
pub use readiness::{Ready, ready};
pub use routes::Routes;
pub use server::{AllowedHosts, InvalidHost, Server};
pub use service::{finish, without_internal};
pub use shutdown::stop_signal;
pub use verified_caller::VerifiedCaller;
