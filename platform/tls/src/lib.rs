//! HTTPS on the shop's network, where no public authority can vouch for an address such as 192.168.1.20.
//!
//! Owns the shop's own [`Authority`], which each tablet installs once, and the certificate that the server shows
//! ([`ServerCertificate`]): issued by that authority and renewed by itself, or the shop's own files. Does not know HTTP:
//! `web` serves it.

mod authority;
mod error;
mod files;
mod names;
mod own_files;
mod permitted_names;
mod server_certificate;
#[cfg(test)]
mod tests;

pub use authority::Authority;
pub use error::TlsError;
pub use names::{ServerNames, host_names};
pub use own_files::OwnFiles;
pub use server_certificate::ServerCertificate;
