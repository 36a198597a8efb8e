//! A certificate that the shop brings: of a public authority, or of a company's own.

use std::path::{Path, PathBuf};

use contracts::time::Timestamp;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::parse_x509_certificate;

use crate::{TlsError, authority::valid_until, files};

/// The files of the settings `tls_certificate` and `tls_key`, as PEM.
#[derive(Clone, Debug)]
pub struct OwnFiles {
    /// The server's certificate first, then those of its authorities.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The text of both files, to notice that they have changed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PemTexts {
    certificate: String,
    key: String,
}

/// Reads both files.
pub(crate) fn read(files: &OwnFiles) -> Result<PemTexts, TlsError> {
    let text =
        |path: &Path| files::read(path)?.ok_or_else(|| refused(files, format!("there is no {}", path.display())));
    Ok(PemTexts { certificate: text(&files.certificate)?, key: text(&files.key)? })
}

/// What they hold, and when it ends.
pub(crate) fn parse(
    files: &OwnFiles,
    pem: &PemTexts,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, Timestamp), TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.certificate.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| refused(files, format!("the certificate is no PEM ({error})")))?;
    let first = chain.first().ok_or_else(|| refused(files, "there is no certificate in its file".to_owned()))?;
    let (_, parsed) =
        parse_x509_certificate(first).map_err(|error| refused(files, format!("the certificate ({error})")))?;
    let valid_until = valid_until(&parsed);
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes())
        .map_err(|error| refused(files, format!("there is no key in its file ({error})")))?;
    // Checks that the key is the certificate's.
    let certified = CertifiedKey::from_der(chain.clone(), key, provider);
    Ok((certified.map_err(|error| refused(files, error.to_string()))?, valid_until))
}

fn refused(files: &OwnFiles, reason: String) -> TlsError {
    TlsError::OwnFiles { certificate: files.certificate.clone(), key: files.key.clone(), reason }
}
