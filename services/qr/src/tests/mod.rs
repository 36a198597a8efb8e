//! The service through its router.
