//! Handshakes in memory, between a tablet that has installed the shop's authority and the shop's server.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clock::Clock;
use contracts::time::Timestamp;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use x509_parser::parse_x509_certificate;

use super::*;

/// Where the key begins in the authority's file.
const KEY: &str = "-----BEGIN PRIVATE";
const LAN: &str = "192.168.1.20";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Shop {
    folder: TempDir,
    clock: Clock,
    authority: Arc<Authority>,
    certificate: ServerCertificate,
}

impl Shop {
    fn file(&self) -> PathBuf {
        self.folder.path().join("tls/authority.pem")
    }
}

fn names(addresses: &[&str], hosts: &[&str]) -> ServerNames {
    ServerNames::new(addresses.iter().map(|address| address.parse().unwrap()), hosts.iter().copied())
}

fn open(folder: &Path, now: Timestamp) -> Result<Authority, TlsError> {
    Authority::open(folder, "Kopi Pagi", &names(&[LAN], &["kopi-pc", "kopi.example"]), now)
}

fn shop() -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Clock::system().now());
    let authority = Arc::new(open(folder.path(), clock.now()).unwrap());
    let allowed = vec!["kopi.example".to_owned()];
    let certificate =
        ServerCertificate::local(Arc::clone(&authority), LAN.parse().unwrap(), allowed, clock.clone()).unwrap();
    Shop { folder, clock, authority, certificate }
}

/// A handshake of a tablet that trusts `root`, and the certificate that the server showed.
fn visit(name: &str, root: &CertificateDer<'static>, server: Arc<ServerConfig>) -> Result<Vec<u8>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut tablet = ClientConnection::new(Arc::new(config), name)?;
    let mut server = ServerConnection::new(server)?;
    while tablet.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        tablet.write_tls(&mut wire).unwrap();
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
        }
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            tablet.read_tls(&mut rest).unwrap();
        }
        tablet.process_new_packets()?;
    }
    assert_eq!(tablet.alpn_protocol(), Some(b"http/1.1".as_slice()));
    Ok(tablet.peer_certificates().unwrap()[0].to_vec())
}

fn visit_shop(name: &str, shop: &Shop) -> Result<Vec<u8>, rustls::Error> {
    visit(name, shop.authority.certificate(), shop.certificate.server_config().unwrap())
}

fn days_of(certificate: &[u8]) -> i64 {
    let (_, parsed) = parse_x509_certificate(certificate).unwrap();
    (parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp()) / 86_400
}

#[test]
fn a_tablet_with_the_shops_authority_trusts_the_server_under_all_its_names() {
    let shop = shop();
    for name in [LAN, "127.0.0.1", "::1", "localhost", "kopi.example"] {
        visit_shop(name, &shop).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_tablet_refuses_the_server_under_another_name_or_of_another_shop() {
    let (ours, theirs) = (shop(), shop());
    for name in ["192.168.1.21", "bank.example", "kopi.example.evil.example"] {
        assert!(visit_shop(name, &ours).is_err(), "{name}");
    }
    assert!(visit(LAN, theirs.authority.certificate(), ours.certificate.server_config().unwrap()).is_err());
}

#[test]
fn who_steals_the_authority_cannot_pose_as_a_bank() {
    let shop = shop();
    let pem = fs::read_to_string(shop.file()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&pem[pem.find(KEY).unwrap()..]).unwrap()).unwrap();
    for (name, is_trusted) in [("till.lan", true), ("10.0.0.9", true), ("bank.example", false), ("203.0.113.9", false)]
    {
        let key = KeyPair::generate().unwrap();
        let stolen = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![stolen.der().clone()], key.into())
            .unwrap();
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        assert_eq!(visit(name, shop.authority.certificate(), Arc::new(server)).is_ok(), is_trusted, "{name}");
    }
}

#[test]
fn the_authority_lasts_ten_years_and_a_certificate_as_long_as_browsers_accept() {
    let shop = shop();
    assert_eq!(days_of(shop.authority.certificate()), 3652);
    assert_eq!(days_of(&visit_shop(LAN, &shop).unwrap()), 397);
}

#[test]
fn a_new_address_is_in_the_certificate_without_a_restart() {
    let shop = shop();
    let server = shop.certificate.server_config().unwrap();
    let root = shop.authority.certificate();
    assert!(visit("192.168.1.77", root, Arc::clone(&server)).is_err());

    assert!(shop.certificate.renew_for(names(&["192.168.1.77"], &["kopi-pc"])).unwrap());

    visit("192.168.1.77", root, Arc::clone(&server)).unwrap();
    assert!(visit(LAN, root, server).is_err(), "the machine has this address no more");
    assert!(!shop.certificate.renew_for(names(&["192.168.1.77"], &["kopi-pc"])).unwrap(), "nothing has changed");
}

#[test]
fn a_certificate_is_renewed_a_month_before_its_end_until_the_authority_ends() {
    let shop = shop();
    let same = || names(&[LAN], &["kopi-pc"]);
    shop.certificate.renew_for(same()).unwrap();
    shop.clock.advance(365 * DAY);
    assert!(!shop.certificate.renew_for(same()).unwrap());
    shop.clock.advance(DAY);
    assert!(shop.certificate.renew_for(same()).unwrap());
    shop.clock.advance(3_270 * DAY);
    assert!(shop.certificate.renew_for(same()).unwrap());
    assert!(!shop.certificate.renew_for(same()).unwrap(), "a new one would end with the authority, too");
}

#[test]
fn a_name_that_the_authority_may_not_vouch_for_is_left_out_alone() {
    let shop = shop();
    assert!(shop.certificate.renew_for(names(&[LAN, "203.0.113.9"], &["other.example", "bar.kopi.example"])).unwrap());
    visit_shop(LAN, &shop).unwrap();
    visit_shop("bar.kopi.example", &shop).unwrap();
    assert!(visit_shop("other.example", &shop).is_err());
    assert!(visit_shop("203.0.113.9", &shop).is_err());
}

#[test]
fn the_authority_is_made_once_and_only_its_user_may_read_it() {
    let shop = shop();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&shop.file()), mode(shop.file().parent().unwrap())), (0o600, 0o700));
    fs::set_permissions(shop.file(), fs::Permissions::from_mode(0o644)).unwrap();

    let again = open(shop.folder.path(), shop.clock.now()).unwrap();

    assert_eq!(mode(&shop.file()), 0o600, "as after a restored backup");
    assert_eq!(again.fingerprint(), shop.authority.fingerprint());
    assert_eq!((again.fingerprint().len(), again.name()), (95, "Kopi Pagi CA"));
}

#[test]
fn a_damaged_authority_is_refused_with_what_to_do_and_stays_as_it_is() {
    let shop = shop();
    let pem = fs::read_to_string(shop.file()).unwrap();
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let certificate = &pem[..pem.find(KEY).unwrap()];
    for damaged in ["", "x", certificate, &pem[200..], &format!("{certificate}{other_key}")] {
        fs::write(shop.file(), damaged).unwrap();
        let refusal = open(shop.folder.path(), shop.clock.now()).unwrap_err().to_string();
        assert!(
            refusal.contains("authority.pem does not hold an authority") && refusal.contains("backup"),
            "{refusal}"
        );
        assert_eq!(fs::read_to_string(shop.file()).unwrap(), damaged);
    }
}

#[test]
fn a_shop_with_a_long_name_has_an_authority_too() {
    let folder = tempfile::tempdir().unwrap();
    let long = "Kopi \"Pagi\" & Rumah Makan \u{1f375} ".repeat(9);
    let authority = Authority::open(folder.path(), &long, &names(&[LAN], &[]), Clock::system().now()).unwrap();
    assert!(authority.name().starts_with("Kopi \"Pagi\" & Rumah") && authority.name().chars().count() <= 64);
}

/// A certificate for `name` by an authority of its own, in two files.
fn write_own(folder: &Path, name: &str) -> (OwnFiles, CertificateDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let files = OwnFiles { certificate: folder.join("own.crt"), key: folder.join("own.key") };
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    (files, certificate.der().clone())
}

#[test]
fn the_shops_own_certificate_is_shown_and_read_again_when_its_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (files, root) = write_own(folder.path(), "kopi.example");
    let certificate = ServerCertificate::own(files, Clock::system()).unwrap();
    let server = certificate.server_config().unwrap();
    visit("kopi.example", &root, Arc::clone(&server)).unwrap();
    assert!(!certificate.reload().unwrap());

    let (_, renewed) = write_own(folder.path(), "kopi.example");
    assert!(certificate.reload().unwrap());
    visit("kopi.example", &renewed, Arc::clone(&server)).unwrap();

    fs::write(folder.path().join("own.crt"), "half a fi").unwrap();
    assert!(certificate.reload().is_err());
    visit("kopi.example", &renewed, server).unwrap();
}

#[test]
fn own_files_that_do_not_fit_are_refused_with_what_to_do() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (files, _) = write_own(folder.path(), "kopi.example");
    let (others, _) = write_own(other.path(), "kopi.example");
    let wrong = [
        OwnFiles { key: others.key, ..files.clone() },
        OwnFiles { key: files.certificate.clone(), ..files.clone() },
        OwnFiles { certificate: files.key.clone(), ..files.clone() },
        OwnFiles { certificate: folder.path().join("missing.crt"), ..files },
    ];
    for files in wrong {
        let refusal = ServerCertificate::own(files, Clock::system()).unwrap_err().to_string();
        assert!(refusal.contains("cannot be used") && refusal.contains("Both are PEM files"), "{refusal}");
    }
}

#[test]
fn this_machine_has_names_and_the_address_of_a_private_network_is_shown() {
    let every = ServerNames::of_machine("0.0.0.0".parse().unwrap(), &["Kopi.Example".to_owned()]).unwrap();
    assert!(every.addresses.contains(&"127.0.0.1".parse::<IpAddr>().unwrap()));
    assert!(every.hosts.contains("localhost") && every.hosts.contains("kopi.example"));
    let shown = |addresses: &[&str]| names(addresses, &[]).address_to_show().map(|address| address.to_string());
    assert_eq!(shown(&["127.0.0.1", "172.17.0.1", "192.168.1.20", "203.0.113.9"]).as_deref(), Some(LAN));
    assert_eq!(shown(&["172.16.3.4", "fd00::1"]).as_deref(), Some("172.16.3.4"));
    assert_eq!(shown(&["::1"]), None);
}
