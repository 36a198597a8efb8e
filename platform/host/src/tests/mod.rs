//! What the host promises.
