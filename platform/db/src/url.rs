//! Where a database is.

use std::{fmt, path::PathBuf, str::FromStr};

/// Shown instead of a secret.
const MASK: &str = "********";

/// PostgreSQL's port where an address names none.
const PORT_DEFAULT: u16 = 5432;

/// Where a database is: in a file, or by its name on a server.
#[derive(Clone)]
pub struct DbUrl(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<Server>),
}

/// A database on a server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: ::postgres::Config,
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
        Self(Place::Sqlite(path.into()))
    }
}

/// A PostgreSQL server: `postgres://user[:password]@host[:port]`, options after a question mark.
#[derive(Clone)]
pub struct ServerUrl(::postgres::Config);

impl ServerUrl {
    /// The database of this name on the server.
    #[must_use]
    pub fn database(&self, name: &str) -> DbUrl {
        let mut config = self.0.clone();
        config.dbname(name);
        DbUrl(Place::Postgres(Box::new(Server { config, database: name.to_owned() })))
    }
}

/// The text is not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}. A server is postgres://user:password@host:port")]
pub struct InvalidServerUrl(String);

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidServerUrl> {
        // The text itself is not shown: it may hold a password.
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(InvalidServerUrl("the address does not begin with postgres://".into()));
        }
        let config: ::postgres::Config =
            text.parse().map_err(|error| InvalidServerUrl(format!("the address cannot be read: {error}")))?;
        if config.get_hosts().is_empty() {
            return Err(InvalidServerUrl("the address names no host".into()));
        }
        // Its tail would be taken for the host, and shown.
        if text.matches('@').count() > 1 {
            return Err(InvalidServerUrl("the address has more than one @: write %40 for one in the password".into()));
        }
        match config.get_dbname() {
            // Every service has its own.
            Some(name) => Err(InvalidServerUrl(format!("the address names the database {name:?}: leave that out"))),
            None => Ok(Self(config)),
        }
    }
}

fn address(config: &::postgres::Config) -> String {
    let host = config.get_hosts().first().map_or_else(String::new, |host| match host {
        ::postgres::config::Host::Tcp(name) => name.clone(),
        ::postgres::config::Host::Unix(path) => path.display().to_string(),
    });
    let port = config.get_ports().first().copied().unwrap_or(PORT_DEFAULT);
    format!("{host}:{port}")
}

/// A server's address as it was written, without its password and without its options, where another may stand.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return MASK.to_owned() };
    let (login, place) = match rest.rsplit_once('@') {
        // The sign may be part of a password after the question mark: then nothing is sure, and nothing shown.
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
            Place::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Place::Postgres(server) => server.fmt(f),
        }
    }
}
impl fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Neither the user nor the password.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}/{}", self.address(), self.database)
    }
}
/// Neither the user nor the password.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}", address(&self.0))
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
    fn what_is_no_server_or_names_a_database_is_refused() {
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
