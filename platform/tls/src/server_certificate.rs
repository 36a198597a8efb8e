//! The certificate that the server shows, and its renewal while the program runs.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use clock::Clock;
use contracts::time::Timestamp;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{
    Authority, ServerNames, TlsError,
    own_files::{self, OwnFiles, PemTexts},
};

/// How often addresses and files are looked at. A router gives out a new address once in a while.
const CHECK_SECONDS: u64 = 60;
/// How long before its end a certificate is renewed: an end that nobody notices closes the shop.
const RENEWED_BEFORE_DAYS: u64 = 30;
/// From when on the log asks for a new certificate that only a person can bring.
const WARNED_BEFORE_DAYS: u64 = 14;
/// From when on the log asks for a new authority, which every tablet must install.
const AUTHORITY_WARNED_BEFORE_DAYS: u64 = 180;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The certificate that the server shows. Connections that are open keep the one with which they began.
pub struct ServerCertificate {
    source: Source,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
}

enum Source {
    Local { authority: Arc<Authority>, listen: IpAddr, allowed_hosts: Vec<String>, issued: Mutex<IssuedFor> },
    Own { files: OwnFiles, read: Mutex<PemTexts> },
}

/// For what the certificate was issued that is shown now.
struct IssuedFor {
    names: ServerNames,
    valid_until: Timestamp,
}

#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    /// Always the one certificate: a browser that uses an address sends no name.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl ServerCertificate {
    /// A certificate of `authority` for this machine, listening on `listen` and also known as `allowed_hosts`.
    ///
    /// # Errors
    /// [`TlsError::Addresses`] if the machine's addresses are not known.
    pub fn local(
        authority: Arc<Authority>,
        listen: IpAddr,
        allowed_hosts: Vec<String>,
        clock: Clock,
    ) -> Result<Self, TlsError> {
        let names = ServerNames::of_machine(listen, &allowed_hosts)?;
        if ends_within(AUTHORITY_WARNED_BEFORE_DAYS, authority.valid_until(), clock.now()) {
            tracing::warn!(
                valid_until = %authority.valid_until(),
                "the shop's authority ends soon, or has ended. Delete tls/authority.pem in the shop's folder, start again, \
                 and install the new authority on every device"
            );
        }
        let provider = Arc::new(ring::default_provider());
        let (certified, valid_until) = issue(&authority, &names, clock.now(), &provider)?;
        let issued = Mutex::new(IssuedFor { names, valid_until });
        Ok(Self::new(Source::Local { authority, listen, allowed_hosts, issued }, clock, provider, certified))
    }

    /// The certificate in the shop's own files.
    ///
    /// # Errors
    /// [`TlsError::OwnFiles`] if they do not hold a certificate and its key, [`TlsError::File`] if they cannot be read.
    pub fn own(files: OwnFiles, clock: Clock) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let read = own_files::read(&files)?;
        let (certified, valid_until) = own_files::parse(&files, &read, &provider)?;
        warn_before_end(valid_until, clock.now());
        Ok(Self::new(Source::Own { files, read: Mutex::new(read) }, clock, provider, certified))
    }

    fn new(source: Source, clock: Clock, provider: Arc<CryptoProvider>, certified: CertifiedKey) -> Self {
        Self { source, clock, provider, shown: Arc::new(Shown(RwLock::new(Arc::new(certified)))) }
    }

    /// How to accept connections with it: TLS 1.2 and 1.3, HTTP/1.1. A renewal needs no other one.
    ///
    /// # Errors
    /// [`TlsError::Use`] if the TLS library lacks these versions: a defect.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Looks every minute whether the certificate must be renewed, or its files have changed. Never returns.
    pub async fn keep_current(self: Arc<Self>) {
        let mut checks = tokio::time::interval(Duration::from_secs(CHECK_SECONDS));
        loop {
            checks.tick().await;
            let this = Arc::clone(&self);
            let checked = tokio::task::spawn_blocking(move || this.check()).await;
            if let Ok(Err(error)) = checked {
                tracing::error!(error = %errors::chain(&error), "certificate not renewed; the one before is still shown");
            }
        }
    }

    /// Renews or reads the certificate again if needed.
    fn check(&self) -> Result<(), TlsError> {
        match &self.source {
            Source::Local { listen, allowed_hosts, .. } => {
                self.renew_for(ServerNames::of_machine(*listen, allowed_hosts)?).map(|_| ())
            }
            Source::Own { .. } => self.reload().map(|_| ()),
        }
    }

    /// Issues a certificate for `names` if they have changed or the end is near. Returns whether it did.
    pub(crate) fn renew_for(&self, names: ServerNames) -> Result<bool, TlsError> {
        let Source::Local { authority, issued, .. } = &self.source else { return Ok(false) };
        let mut issued = issued.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let ends = ends_within(RENEWED_BEFORE_DAYS, issued.valid_until, now);
        // No certificate outlives the authority: then a new one would end at the same time.
        let can_last_longer = issued.valid_until < authority.valid_until();
        if issued.names == names && !(ends && can_last_longer) {
            return Ok(false);
        }
        let (certified, valid_until) = issue(authority, &names, now, &self.provider)?;
        tracing::info!(%names, "certificate renewed");
        *issued = IssuedFor { names, valid_until };
        self.show(certified);
        Ok(true)
    }

    /// Shows the certificate of the shop's own files if they have changed. Returns whether they have.
    pub(crate) fn reload(&self) -> Result<bool, TlsError> {
        let Source::Own { files, read } = &self.source else { return Ok(false) };
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        let found = own_files::read(files)?;
        if found == *read {
            return Ok(false);
        }
        let (certified, valid_until) = own_files::parse(files, &found, &self.provider)?;
        tracing::info!(certificate = %files.certificate.display(), "certificate read again");
        warn_before_end(valid_until, self.clock.now());
        *read = found;
        self.show(certified);
        Ok(true)
    }

    fn show(&self, certified: CertifiedKey) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
    }
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCertificate").finish_non_exhaustive()
    }
}

fn issue(
    authority: &Authority,
    names: &ServerNames,
    now: Timestamp,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, Timestamp), TlsError> {
    let issued = authority.issue(names, now)?;
    if !issued.left_out.is_empty() {
        tracing::warn!(
            names = %issued.left_out,
            "the authority was made without these names, so browsers will not trust them. To use them, delete \
             tls/authority.pem in the shop's folder, start again, and install the new authority on every device"
        );
    }
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.key.serialize_der()));
    let certified = CertifiedKey::from_der(vec![issued.certificate], key, provider)?;
    Ok((certified, issued.valid_until))
}

fn ends_within(days: u64, valid_until: Timestamp, now: Timestamp) -> bool {
    now + Duration::from_secs(days * DAY_SECONDS) >= valid_until
}

fn warn_before_end(valid_until: Timestamp, now: Timestamp) {
    if ends_within(WARNED_BEFORE_DAYS, valid_until, now) {
        tracing::warn!(%valid_until, "the certificate of tls_certificate ends soon, or has ended: put a new one in its place");
    }
}
