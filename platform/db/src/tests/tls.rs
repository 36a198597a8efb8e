//! TLS to PostgreSQL. These tests start a server of their own, with a certificate made here, if `FNB_TEST_POSTGRES` is
//! set: the server that it names has no TLS.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

/// Where Debian's and Ubuntu's package puts the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// The user that the package creates. The server refuses to run as root.
const SERVER_USER: &str = "postgres";
const PASSWORD: &str = "tls-test";
/// A start takes a second; on a busy machine, several.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A server that accepts TLS, with a certificate for `localhost`.
struct TlsServer {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl TlsServer {
    /// `None`: PostgreSQL is not tested in this run.
    async fn start() -> Option<Self> {
        std::env::var_os("FNB_TEST_POSTGRES")?;
        let folder = tempfile::tempdir().unwrap();
        let (authority, issuer) = certificate_authority();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        fs::write(folder.path().join("ca.pem"), authority).unwrap();
        fs::write(folder.path().join("other-ca.pem"), certificate_authority().0).unwrap();
        write_for_server(&folder.path().join("server.pem"), &certificate.pem());
        write_for_server(&folder.path().join("server.key"), &key.serialize_pem());
        write_for_server(&folder.path().join("password"), PASSWORD);
        give_to_server(folder.path());

        let path = |name: &str| folder.path().join(name).display().to_string();
        let created = as_server("initdb")
            .args(["--auth=password", "--no-sync", "--username", SERVER_USER, "--pwfile", &path("password")])
            .args(["--pgdata", &path("data")])
            .stdout(Stdio::null())
            .status();
        assert!(created.unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = as_server("postgres")
            .args(["-D", &path("data"), "-p", &port.to_string(), "-c", "ssl=on", "-c", "fsync=off"])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .args(["-c", &format!("ssl_cert_file={}", path("server.pem"))])
            .args(["-c", &format!("ssl_key_file={}", path("server.key"))])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port, folder };
        server.wait_until_ready().await;
        Some(server)
    }

    async fn wait_until_ready(&self) {
        let started = Instant::now();
        while let Err(error) = self.connect("localhost", "sslmode=disable").await {
            assert!(started.elapsed() < START_TIMEOUT, "{}", errors::chain(&error));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether the connection uses TLS, if there is one.
    async fn connect(&self, host: &str, options: &str) -> Result<bool, crate::OpenError> {
        const SQL: &str = "SELECT COUNT(*) AS sessions FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        let address = format!("postgres://{SERVER_USER}:{PASSWORD}@{host}:{}?{options}", self.port);
        let server: ServerUrl = address.parse().unwrap();
        let db = Db::open_existing(&server.database("postgres")).await?;
        let with_tls = |tx: &mut Tx<'_>| tx.query_one(SQL, (), |row| row.get::<i64>("sessions"));
        Ok(db.read::<_, DbError, _>(with_tls).await.unwrap() == 1)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A certificate authority's certificate, and what it signs with.
fn certificate_authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
}

fn write_for_server(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    give_to_server(path);
}

fn id(of: &str, user: &[&str]) -> u32 {
    let output = Command::new("id").arg(of).args(user).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn is_root() -> bool {
    id("-u", &[]) == 0
}

fn give_to_server(path: &Path) {
    if is_root() {
        chown(path, Some(id("-u", &[SERVER_USER])), Some(id("-g", &[SERVER_USER]))).unwrap();
    }
}

/// A program of PostgreSQL, as a user that may run it. The kernel stops it if this process is killed.
fn as_server(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if is_root() {
        command.arg(format!("--reuid={}", id("-u", &[SERVER_USER])));
        command.arg(format!("--regid={}", id("-g", &[SERVER_USER]))).arg("--clear-groups");
    }
    command.arg("--").arg(Path::new(PROGRAMS).join(program)).current_dir("/");
    command
}

#[tokio::test]
async fn a_server_is_reached_over_tls_and_its_certificate_is_checked() {
    let Some(server) = TlsServer::start().await else { return };
    let trusted = format!("sslrootcert={}", server.file("ca.pem").display());
    let other = format!("sslrootcert={}", server.file("other-ca.pem").display());
    let connect = async |host, options: String| {
        server.connect(host, &options).await.map_err(|error| {
            let printed = errors::chain(&error).to_string();
            assert!(printed.contains("certificate"), "{printed}");
        })
    };

    assert_eq!(connect("localhost", format!("sslmode=verify-full&{trusted}")).await, Ok(true));
    assert_eq!(connect("localhost", format!("sslmode=verify-full&{other}")).await, Err(()), "another signed it");
    assert_eq!(connect("localhost", "sslmode=verify-full".to_owned()).await, Err(()), "the system does not trust it");
    assert_eq!(connect("127.0.0.1", format!("sslmode=verify-full&{trusted}")).await, Err(()), "it is for localhost");
    assert_eq!(connect("127.0.0.1", format!("sslmode=verify-ca&{trusted}")).await, Ok(true));
    assert_eq!(connect("localhost", format!("sslmode=verify-ca&{other}")).await, Err(()));
    assert_eq!(connect("localhost", format!("sslmode=require&{other}")).await, Err(()));
    assert_eq!(connect("127.0.0.1", "sslmode=require".to_owned()).await, Ok(true));
    assert_eq!(connect("127.0.0.1", "sslmode=prefer".to_owned()).await, Ok(true));
    assert_eq!(connect("localhost", "sslmode=disable".to_owned()).await, Ok(false));
}

#[tokio::test]
async fn a_server_without_tls_is_refused_if_the_address_requires_tls() {
    let Some(fresh) = Fresh::postgres() else { return };
    let (base, name) = fresh.postgres.clone().unwrap();
    let url = |mode: &str| format!("{base}?sslmode={mode}").parse::<ServerUrl>().unwrap().database(&name);
    let refused = Db::open(&url("require"), &SCHEMA, DbOptions::default()).await.err().unwrap();
    assert!(errors::chain(&refused).to_string().contains("TLS"), "{}", errors::chain(&refused));
    Db::open(&url("prefer"), &SCHEMA, DbOptions::default()).await.unwrap();
}
