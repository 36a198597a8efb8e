//! The address of a database: a file, or a name on a server and how to reach the server.

mod tls;

use std::{fmt, path::PathBuf, str::FromStr};

pub(crate) use self::tls::Tls;
use self::tls::{TlsMode, TlsOptions};
use crate::Cause;

/// Shown instead of a secret.
const MASK: &str = "********";

/// The options of an address that concern TLS.
const SSL_MODE: &str = "sslmode";
const SSL_ROOT_CERT: &str = "sslrootcert";

/// PostgreSQL's port if an address names none.
const PORT_DEFAULT: u16 = 5432;

/// The address of a database: a file, or a name on a server.
#[derive(Clone)]
pub struct DbUrl(pub(crate) Location);

#[derive(Clone)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres(Box<Server>),
}

/// A database on a server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: ::postgres::Config,
    pub(crate) tls: Tls,
    /// The database's name.
    pub(crate) database: String,
}

impl Server {
    /// Host and port, for an error.
    pub(crate) fn address(&self) -> String {
        address(&self.config)
    }
}

impl DbUrl {
    /// The SQLite database in the file at `path`.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(path.into()))
    }
}

/// A PostgreSQL server: `postgres://user[:password]@host[:port]`, options after a question mark. Beside those of the
/// client library (`connect_timeout`) these are `sslmode` (`disable`, `prefer`, which is the default, `require`,
/// `verify-ca`, `verify-full`) and `sslrootcert`, a PEM file of the certificates to trust in place of the system's.
#[derive(Clone)]
pub struct ServerUrl {
    config: ::postgres::Config,
    tls: Tls,
}

impl ServerUrl {
    /// The database of this name on the server.
    #[must_use]
    pub fn database(&self, name: &str) -> DbUrl {
        let server = Server { config: self.config.clone(), tls: self.tls.clone(), database: name.to_owned() };
        DbUrl(Location::Postgres(Box::new(server)))
    }
}

/// The text is not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}. A server is postgres://user:password@host:port")]
pub struct InvalidServerUrl {
    problem: String,
    source: Option<Cause>,
}

impl InvalidServerUrl {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), source: None }
    }
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidServerUrl> {
        // No error shows the text itself, because it may hold a password.
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(InvalidServerUrl::new("the address does not begin with postgres://"));
        }
        let (text, options) = split_tls_options(text)?;
        let mut config: ::postgres::Config = text.parse().map_err(|error| InvalidServerUrl {
            problem: "the address cannot be read".to_owned(),
            source: Some(Cause::new(error)),
        })?;
        if config.get_hosts().is_empty() {
            return Err(InvalidServerUrl::new("the address names no host"));
        }
        // What follows the first would be taken for the host, and shown.
        if text.matches('@').count() > 1 {
            return Err(InvalidServerUrl::new("the address has more than one @: write %40 for one in the password"));
        }
        if let Some(name) = config.get_dbname() {
            // Every service has its own.
            return Err(InvalidServerUrl::new(format!("the address names the database {name:?}: leave that out")));
        }
        config.ssl_mode(options.ssl_mode());
        let tls = options.connector().map_err(|error| InvalidServerUrl {
            problem: format!("TLS to the server cannot be set up ({SSL_MODE}, {SSL_ROOT_CERT})"),
            source: Some(error),
        })?;
        Ok(Self { config, tls })
    }
}

/// Takes the options that concern TLS out of an address: the client library knows only some of them.
fn split_tls_options(text: &str) -> Result<(String, TlsOptions), InvalidServerUrl> {
    let mut options = TlsOptions::default();
    let Some((address, query)) = text.split_once('?') else { return Ok((text.to_owned(), options)) };
    let mut others = Vec::new();
    for option in query.split('&') {
        match option.split_once('=') {
            Some((SSL_MODE, mode)) => {
                options.mode = TlsMode::parse(mode).ok_or_else(|| {
                    InvalidServerUrl::new("sslmode is one of disable, prefer, require, verify-ca and verify-full")
                })?;
            }
            Some((SSL_ROOT_CERT, path)) => options.root_certificates = Some(percent_decoded(path)?.into()),
            _ => others.push(option),
        }
    }
    let address = if others.is_empty() { address.to_owned() } else { format!("{address}?{}", others.join("&")) };
    Ok((address, options))
}

fn percent_decoded(text: &str) -> Result<String, InvalidServerUrl> {
    let invalid = || InvalidServerUrl::new("sslrootcert is not a path: write %25 for a percent sign");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).ok_or_else(invalid)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| invalid())?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| invalid())
}

fn address(config: &::postgres::Config) -> String {
    let host = config.get_hosts().first().map_or_else(String::new, |host| match host {
        ::postgres::config::Host::Tcp(name) => name.clone(),
        ::postgres::config::Host::Unix(path) => path.display().to_string(),
    });
    let port = config.get_ports().first().copied().unwrap_or(PORT_DEFAULT);
    format!("{host}:{port}")
}

/// A server's address as it was written, with its password and its options masked: an option may be a password too.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return MASK.to_owned() };
    let (login, place) = match rest.rsplit_once('@') {
        // The @ may be part of a password after the question mark. Then no part is known to be no secret.
        Some((login, _)) if login.contains('?') => return format!("{scheme}://{MASK}"),
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let login = login.map_or_else(String::new, |login| match login.split_once(':') {
        Some((user, _)) => format!("{user}:{MASK}@"),
        None => format!("{login}@"),
    });
    match place.split_once('?') {
        Some((place, _)) => format!("{scheme}://{login}{place}?{MASK}"),
        None => format!("{scheme}://{login}{place}"),
    }
}

impl fmt::Display for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Location::Postgres(server) => server.fmt(f),
        }
    }
}
impl fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without user and password.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}/{}", self.address(), self.database)
    }
}
/// Without user and password.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}", address(&self.config))
    }
}
impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (written, shown) in [
            ("postgres://fnb:se:cr@et@db:5433", "postgres://fnb:********@db:5433"),
            ("postgres://fnb@db", "postgres://fnb@db"),
            ("postgres://fnb@db/?password=secret", "postgres://fnb@db/?********"),
            ("postgres://db?sslmode=require&p%61ssword=secret", "postgres://db?********"),
            ("postgres://fnb@db?password=s3c@r", "postgres://********"),
            ("fnb:secret@db", "********"),
        ] {
            assert_eq!(without_secrets(written), shown);
        }
        let server: ServerUrl = "postgres://fnb:secret@db:5433/?sslmode=prefer".parse().unwrap();
        assert_eq!(server.to_string(), "postgres://db:5433");
        assert_eq!(server.database("orders_db").to_string(), "postgres://db:5433/orders_db");
    }

    #[test]
    fn the_address_says_how_tls_is_used() {
        let options = |text| split_tls_options(text).unwrap();
        let (address, tls) =
            options("postgres://db?sslmode=verify-full&connect_timeout=3&sslrootcert=/etc/my%20ca.pem");
        assert_eq!(address, "postgres://db?connect_timeout=3");
        assert_eq!(tls.mode, TlsMode::VerifyFull);
        assert_eq!(tls.root_certificates, Some("/etc/my ca.pem".into()));
        assert_eq!(options("postgres://db").1.mode, TlsMode::Prefer);
        assert_eq!(options("postgres://db?sslmode=disable").0, "postgres://db");
    }

    #[test]
    fn tls_options_that_cannot_be_used_are_refused_by_name() {
        for (wrong, expected) in [
            ("postgres://db?sslmode=on", "sslmode is one of disable, prefer, require"),
            ("postgres://db?sslrootcert=%zz", "sslrootcert is not a path"),
            ("postgres://db?sslmode=verify-ca&sslrootcert=/no/such/file", "No such file"),
            ("postgres://db?sslmode=verify-ca&sslrootcert=/dev/null", "the file holds no certificate"),
        ] {
            let error = wrong.parse::<ServerUrl>().unwrap_err();
            let printed = errors::chain(&error).to_string();
            assert!(printed.contains(expected), "{printed}");
        }
    }

    #[test]
    fn an_address_of_no_server_or_of_a_database_is_refused() {
        for wrong in [
            "",
            "shop",
            "sqlite:shop.db",
            "mysql://db",
            "postgres:///",
            "postgres://fnb@db/shop",
            "postgres://fnb@db?dbname=shop",
            "host=db dbname=shop",
        ] {
            assert!(wrong.parse::<ServerUrl>().is_err(), "{wrong:?}");
        }
        let named = "postgres://fnb:secret@db/shop".parse::<ServerUrl>().unwrap_err().to_string();
        assert!(named.contains("\"shop\": leave that out") && !named.contains("secret"), "{named}");
        for right in ["postgres://fnb:pw@db", "postgresql://fnb@db:5432/", "postgres://db?connect_timeout=3"] {
            assert!(right.parse::<ServerUrl>().is_ok(), "{right:?}");
        }
    }
}
