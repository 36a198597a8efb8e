//! TLS to a server: what `sslmode` and `sslrootcert` of its address mean. As in libpq, but that `verify-full` without
//! `sslrootcert` trusts the certificate authorities of the system.

use std::{path::PathBuf, sync::Arc};

use ::postgres::config::SslMode;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Cause;

/// How the server is reached.
#[derive(Clone)]
pub(crate) enum Tls {
    /// Without TLS.
    Disabled,
    /// With TLS, by this connector, if the server offers it or the address demands it.
    Enabled(MakeRustlsConnect),
}

/// The options of an address that concern TLS.
#[derive(Debug, Default)]
pub(super) struct TlsOptions {
    pub(super) mode: TlsMode,
    /// A PEM file with the certificates to trust.
    pub(super) root_certificates: Option<PathBuf>,
}

/// `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// Without TLS.
    Disable,
    /// With TLS if the server offers it. Whoever controls the network can read along.
    #[default]
    Prefer,
    /// With TLS or not at all; with `sslrootcert`, as `verify-ca`, and without it, with any certificate.
    Require,
    /// The certificate must be signed by one that is trusted.
    VerifyCa,
    /// It must also be issued for the server's host name.
    VerifyFull,
}

impl TlsMode {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            "verify-ca" => Some(Self::VerifyCa),
            "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }
}

impl TlsOptions {
    /// Whether a connection without TLS is allowed.
    pub(super) fn ssl_mode(&self) -> SslMode {
        match self.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        }
    }

    /// Reads the trusted certificates and makes the connector.
    pub(super) fn connector(&self) -> Result<Tls, Cause> {
        let check = match (self.mode, &self.root_certificates) {
            (TlsMode::Disable, _) => return Ok(Tls::Disabled),
            (TlsMode::Prefer, _) | (TlsMode::Require, None) => Check::None,
            (TlsMode::Require | TlsMode::VerifyCa, _) => Check::Signature(self.trusted()?),
            (TlsMode::VerifyFull, _) => Check::SignatureAndName(self.trusted()?),
        };
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Verifier::new(check, &provider)?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Cause::new)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Tls::Enabled(MakeRustlsConnect::new(config)))
    }

    fn trusted(&self) -> Result<RootCertStore, Cause> {
        let mut trusted = RootCertStore::empty();
        let Some(path) = &self.root_certificates else {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(trusted);
        };
        for certificate in CertificateDer::pem_file_iter(path).map_err(Cause::new)? {
            trusted.add(certificate.map_err(Cause::new)?).map_err(Cause::new)?;
        }
        if trusted.is_empty() { Err("the file holds no certificate".into()) } else { Ok(trusted) }
    }
}

/// What is checked of the server's certificate.
enum Check {
    None,
    Signature(RootCertStore),
    SignatureAndName(RootCertStore),
}

/// Checks the server's certificate as far as `sslmode` asks for.
#[derive(Debug)]
struct Verifier {
    /// `None`: any certificate will do.
    signature: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(check: Check, provider: &Arc<CryptoProvider>) -> Result<Self, Cause> {
        let webpki = |trusted: RootCertStore| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(provider))
                .build()
                .map(Some)
                .map_err(Cause::new)
        };
        let (signature, checks_name) = match check {
            Check::None => (None, false),
            Check::Signature(trusted) => (webpki(trusted)?, false),
            Check::SignatureAndName(trusted) => (webpki(trusted)?, true),
        };
        Ok(Self { signature, checks_name, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(signature) = &self.signature else { return Ok(ServerCertVerified::assertion()) };
        match signature.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
