//! What can go wrong with certificates, and what to do about it.

use std::{io, path::PathBuf};

/// HTTPS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file or folder cannot be read or written.
    #[error("cannot {what} {path}. Check the disk, and that the folder belongs to the user who runs the program")]
    File {
        /// What was attempted, such as "read".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
    /// The authority's file has another content than it was written with.
    #[error(
        "{path} does not hold an authority: {reason}. Restore it from a backup, or delete it: a new authority is then \
         made, and every tablet must install it"
    )]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The files of the settings `tls_certificate` and `tls_key` cannot be used.
    #[error(
        "the certificate in {certificate} with the key in {key} cannot be used: {reason}. Both are PEM files; the \
         certificate's file holds the server's certificate first, then those of its authorities"
    )]
    OwnFiles {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A certificate cannot be made: a defect.
    #[error("a certificate cannot be made")]
    Issue(#[from] rcgen::Error),
    /// rustls does not accept what was made: a defect.
    #[error("a certificate cannot be used")]
    Use(#[from] rustls::Error),
    /// The addresses of this machine are not known.
    #[error("the addresses of this machine cannot be read. Listen on one address instead: --listen 192.168.1.20")]
    Addresses(#[source] io::Error),
}
