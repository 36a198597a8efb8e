//! The shop's own authority: a key and a certificate in the shop's folder, made on the first start.

use std::path::Path;

use contracts::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use x509_parser::{certificate::X509Certificate, parse_x509_certificate};

use crate::{ServerNames, TlsError, files, permitted_names::PermittedNames};

/// In the shop's folder. Key and certificate are one file, so that no crash leaves one without the other.
const FILE: &str = "tls/authority.pem";
/// A tablet that is bought today is replaced before the authority is.
const AUTHORITY_DAYS: i64 = 10 * 365 + 2;
/// The longest that browsers accept of a public authority; Apple's devices accept 825 days of an own one.
const CERTIFICATE_DAYS: i64 = 397;
/// A tablet may be behind by some hours, and refuses what is valid only in its future.
const BACKDATED_DAYS: i64 = 1;
/// A common name has 64 characters at most (RFC 5280), of which "CA" and a space are three.
const SHOP_CHARS_MAX: usize = 60;

/// The shop's own authority. Tablets that have installed its certificate trust the shop's server.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    permitted: PermittedNames,
    name: String,
    valid_until: Timestamp,
}

/// A server's certificate with its key.
pub(crate) struct Issued {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: KeyPair,
    pub(crate) valid_until: Timestamp,
    /// The names that the authority may not vouch for: the certificate does not have them.
    pub(crate) left_out: ServerNames,
}

impl Authority {
    /// The authority in the shop's folder `data`. If there is none, makes one for `shop`, which may vouch for private
    /// networks and for `names`.
    ///
    /// # Errors
    /// [`TlsError::Authority`] if the file is not what was written, [`TlsError::File`] if it cannot be read or written.
    pub fn open(data: &Path, shop: &str, names: &ServerNames, now: Timestamp) -> Result<Self, TlsError> {
        let path = data.join(FILE);
        let malformed = |reason: String| TlsError::Authority { path: path.clone(), reason };
        if let Some(pem) = files::read(&path)? {
            files::restrict(&path)?;
            return Self::from_pem(&pem).map_err(malformed);
        }
        let pem = generate(shop, names, now)?;
        files::write_secret(&path, &pem)?;
        files::restrict(&path)?;
        tracing::info!(path = %path.display(), "authority made");
        Self::from_pem(&pem).map_err(malformed)
    }

    fn from_pem(pem: &str) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("no certificate in it ({error})"))?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| format!("no key in it ({error})"))?;
        let key = KeyPair::try_from(&key).map_err(|error| format!("its key ({error})"))?;
        let (_, parsed) = parse_x509_certificate(&certificate).map_err(|error| format!("its certificate ({error})"))?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err("its key is not the certificate's".to_owned());
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|error| error.to_string())?;
        let (permitted, name) = (PermittedNames::of(&parsed), common_name(&parsed));
        let valid_until = valid_until(&parsed);
        Ok(Self { issuer, permitted, name, valid_until, certificate: certificate.clone() })
    }

    /// The certificate that tablets install.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The name under which devices list it, such as `Kopi Pagi CA`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it ends. Its server certificates end before.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// The SHA-256 of the certificate as devices show it: `4F:21:9A:…`, 32 bytes.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.certificate);
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// A certificate for a server of these names.
    pub(crate) fn issue(&self, names: &ServerNames, now: Timestamp) -> Result<Issued, TlsError> {
        let (permitted, left_out) = self.permitted.split(names);
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name("fnb");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = alternative_names(&permitted)?;
        params.not_before = date(now) - Duration::days(BACKDATED_DAYS);
        params.not_after = (params.not_before + Duration::days(CERTIFICATE_DAYS)).min(date(self.valid_until));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let valid_until = timestamp(params.not_after);
        Ok(Issued { certificate: certificate.der().clone(), key, valid_until, left_out })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Certificate and key of a new authority, as PEM.
fn generate(shop: &str, names: &ServerNames, now: Timestamp) -> Result<String, TlsError> {
    let shop: String = shop.chars().filter(|char| !char.is_control()).take(SHOP_CHARS_MAX).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(format!("{shop} CA").trim());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.name_constraints = Some(PermittedNames::constraints(names));
    params.not_before = date(now) - Duration::days(BACKDATED_DAYS);
    params.not_after = params.not_before + Duration::days(AUTHORITY_DAYS);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn alternative_names(names: &ServerNames) -> Result<Vec<SanType>, TlsError> {
    let addresses = names.addresses.iter().map(|address| Ok(SanType::IpAddress(*address)));
    let hosts = names.hosts.iter().map(|host| Ok(SanType::DnsName(host.as_str().try_into()?)));
    addresses.chain(hosts).collect()
}

fn common_name(certificate: &X509Certificate<'_>) -> String {
    let name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    name.unwrap_or_default().to_owned()
}

/// When a certificate ends.
pub(crate) fn valid_until(certificate: &X509Certificate<'_>) -> Timestamp {
    Timestamp(certificate.validity().not_after.timestamp().saturating_mul(1_000_000))
}

/// The second of a time; certificates know no smaller unit.
fn date(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.0.div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn timestamp(date: OffsetDateTime) -> Timestamp {
    Timestamp(date.unix_timestamp().saturating_mul(1_000_000))
}
