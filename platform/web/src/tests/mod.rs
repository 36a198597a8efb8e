//! Requests and what comes back.
