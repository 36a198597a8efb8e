//! The qr service.
