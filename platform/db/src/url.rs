//! Where a database is.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where a database is: `sqlite:PATH` or `postgres://user[:password]@host[:port]/database`.
#[derive(Clone)]
pub struct DbUrl(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<Server>),
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: ::postgres::Config,
    /// The database's name.
    pub(crate) database: String,
    /// The URL without its password.
    pub(crate) shown: String,
}

impl Server {
    /// Host and port, for an error.
    pub(crate) fn address(&self) -> String {
        let host = self.config.get_hosts().first().map_or_else(String::new, |host| match host {
            ::postgres::config::Host::Tcp(name) => name.clone(),
            ::postgres::config::Host::Unix(path) => path.display().to_string(),
        });
        let port = self.config.get_ports().first().copied().unwrap_or(PORT_DEFAULT);
        format!("{host}:{port}")
    }
}

/// PostgreSQL's port where the URL names none.
const PORT_DEFAULT: u16 = 5432;

impl DbUrl {
    /// The SQLite database in the file at `path`.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Place::Sqlite(path.into()))
    }
}

/// The text is not the address of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}. A database is sqlite:PATH or postgres://user:password@host:port/database")]
pub struct InvalidDbUrl(String);

impl FromStr for DbUrl {
    type Err = InvalidDbUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDbUrl> {
        match text.split_once(':') {
            Some(("sqlite", "" | ":memory:")) => Err(InvalidDbUrl("sqlite: needs the path of a file".into())),
            Some(("sqlite", path)) => Ok(Self::sqlite(path)),
            Some(("postgres" | "postgresql", _)) => postgres(text),
            // The text itself is not shown: it may hold a password.
            _ => Err(InvalidDbUrl("the address begins with neither sqlite: nor postgres:".into())),
        }
    }
}

fn postgres(text: &str) -> Result<DbUrl, InvalidDbUrl> {
    let config: ::postgres::Config =
        text.parse().map_err(|error| InvalidDbUrl(format!("the address cannot be read: {error}")))?;
    if config.get_hosts().is_empty() {
        return Err(InvalidDbUrl("the address names no host".into()));
    }
    let database = config.get_dbname().ok_or_else(|| InvalidDbUrl("the address names no database".into()))?.to_owned();
    Ok(DbUrl(Place::Postgres(Box::new(Server { shown: without_password(text), config, database }))))
}

/// `postgres://user:password@host/name` as `postgres://user:***@host/name`.
fn without_password(text: &str) -> String {
    let (address, had_query) = text.split_once('?').map_or((text, false), |(address, _)| (address, true));
    let query = if had_query { "?..." } else { "" };
    let Some((credentials, place)) = address.rsplit_once('@') else { return format!("{address}{query}") };
    let Some((scheme, user)) = credentials.split_once("://") else { return format!("postgres://***@{place}{query}") };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:***@{place}{query}"),
        None => format!("{scheme}://{user}@{place}{query}"),
    }
}

impl fmt::Display for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Place::Postgres(server) => f.write_str(&server.shown),
        }
    }
}
impl fmt::Debug for DbUrl {
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
            ("postgres://fnb:se:cr@et@db:5433/orders_db", "postgres://fnb:***@db:5433/orders_db"),
            ("postgres://fnb@db/orders_db", "postgres://fnb@db/orders_db"),
            ("postgres://fnb@db/orders_db?password=secret", "postgres://fnb@db/orders_db?..."),
        ] {
            assert_eq!(without_password(written), shown);
        }
    }

    #[test]
    fn an_address_without_a_database_is_refused() {
        for wrong in ["", "orders", "sqlite:", "sqlite::memory:", "mysql://db/x", "postgres://fnb@db", "postgres:///x"]
        {
            assert!(wrong.parse::<DbUrl>().is_err(), "{wrong:?}");
        }
        let place = |text: &str| text.parse::<DbUrl>().unwrap().0;
        assert!(matches!(place("sqlite:/var/lib/fnb/orders.db"), Place::Sqlite(_)));
        assert!(matches!(place("postgres://fnb:pw@db/orders_db"), Place::Postgres(_)));
    }
}
