//! Requests to the gateway, and what comes back.
