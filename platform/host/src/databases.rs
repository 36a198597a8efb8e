//! Where each service's database is.

use std::{fmt, path::Path, path::PathBuf, sync::Arc};

use contracts::ids::EventId;
use db::{Db, DbUrl, InvalidDbUrl, OpenError, Schema, Settings};

/// The databases of the services: a file each in one folder, or a database each on one server. Cheap to clone.
#[derive(Clone)]
pub struct Databases {
    place: Place,
    settings: Settings,
}

#[derive(Clone)]
enum Place {
    Folder(Arc<PathBuf>),
    Server(Arc<Server>),
}

struct Server {
    /// `postgres://user:password@host:port`
    address: String,
    /// What every name begins with: nothing in a shop, something of its own in each test.
    prefix: String,
    /// From `?` on, or nothing.
    query: String,
}

impl Databases {
    /// SQLite: `DIR/orders.db`, `DIR/payments.db`, and so on.
    #[must_use]
    pub fn sqlite(folder: &Path) -> Self {
        Self { place: Place::Folder(Arc::new(folder.to_owned())), settings: Settings::default() }
    }

    /// PostgreSQL: `orders_db`, `payments_db`, and so on, on the server at `base`, which names no database:
    /// `postgres://user:password@host:port`.
    ///
    /// # Errors
    /// Where `base` is not the address of a server.
    pub fn postgres(base: &str) -> Result<Self, InvalidDbUrl> {
        Self::postgres_prefixed(base, "")
    }

    /// As [`Databases::postgres`], with names that begin with `prefix`, so that one server holds several shops' databases.
    ///
    /// # Errors
    /// Where `base` is not the address of a server.
    pub fn postgres_prefixed(base: &str, prefix: &str) -> Result<Self, InvalidDbUrl> {
        let (address, query) = base.find('?').map_or((base, ""), |start| base.split_at(start));
        let server = Server {
            address: address.trim_end_matches('/').to_owned(),
            prefix: prefix.to_owned(),
            query: query.to_owned(),
        };
        server.url("orders")?;
        Ok(Self { place: Place::Server(Arc::new(server)), settings: Settings::default() })
    }

    /// The same databases, opened with other settings.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Where a service's database is.
    ///
    /// # Errors
    /// Where the service's name cannot be that of a database.
    pub fn url(&self, service: &str) -> Result<DbUrl, InvalidDbUrl> {
        let name = name_of(service);
        match &self.place {
            Place::Folder(folder) => Ok(DbUrl::sqlite(folder.join(format!("{name}.db")))),
            Place::Server(server) => server.url(name),
        }
    }

    /// Opens a service's own database, made and migrated if need be.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub async fn open(&self, schema: &Schema) -> Result<Db, OpenError> {
        let url = self.url(schema.service).map_err(|error| self.unusable(&error))?;
        Db::open(&url, schema, self.settings.clone()).await
    }

    /// Opens a service's database as it is, to write a little beside the service, which may be running.
    ///
    /// # Errors
    /// [`OpenError`] says what to do; that it does not exist yet is one.
    pub async fn open_existing(&self, service: &str) -> Result<Db, OpenError> {
        let url = self.url(service).map_err(|error| self.unusable(&error))?;
        Db::open_existing(&url).await
    }

    /// Opens a service's database to be read by another: reports read the `etl_` views.
    ///
    /// # Errors
    /// [`OpenError`] says what to do; that it does not exist yet is one.
    pub async fn open_read_only(&self, service: &str) -> Result<Db, OpenError> {
        let url = self.url(service).map_err(|error| self.unusable(&error))?;
        Db::open_read_only(&url).await
    }

    /// Who sweeps these outboxes, for `process`. A folder belongs to one process at a time, so one that starts after a
    /// kill goes on as the same sweeper; on a server it waits until the lease of the killed one has run out.
    pub(crate) fn sweeper(&self, process: EventId) -> Arc<str> {
        match &self.place {
            Place::Folder(_) => "the folder's process".into(),
            Place::Server(_) => process.to_string().into(),
        }
    }

    fn unusable(&self, error: &InvalidDbUrl) -> OpenError {
        OpenError::Server { server: self.to_string(), reason: error.to_string() }
    }
}

impl Server {
    fn url(&self, name: &str) -> Result<DbUrl, InvalidDbUrl> {
        let Self { address, prefix, query } = self;
        format!("{address}/{prefix}{name}_db{query}").parse()
    }
}

/// What the specification calls a service's database, without its `_db`.
fn name_of(service: &str) -> &str {
    match service {
        "order" => "orders",
        "payment" => "payments",
        "product" => "products",
        other => other,
    }
}

impl fmt::Display for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Folder(folder) => write!(f, "sqlite:{}", folder.display()),
            // Not the user or the password.
            Place::Server(server) => {
                let host = server.address.rsplit_once('@').map_or("", |(_, host)| host);
                write!(f, "postgres://{host}/{}*_db", server.prefix)
            }
        }
    }
}
impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_have_the_specifications_names() {
        let shop = Databases::postgres("postgres://fnb:secret@db:5432/?connect_timeout=3").unwrap();
        let named = |service| shop.url(service).unwrap().to_string();
        assert_eq!(named("order"), "postgres://fnb:***@db:5432/orders_db?...");
        assert_eq!(named("inventory"), "postgres://fnb:***@db:5432/inventory_db?...");
        let small = Databases::sqlite(Path::new("/srv/shop"));
        assert_eq!(small.url("payment").unwrap().to_string(), "sqlite:/srv/shop/payments.db");
    }

    #[test]
    fn a_servers_password_is_not_shown() {
        let shop = Databases::postgres_prefixed("postgres://fnb:secret@db:5432", "t1_").unwrap();
        assert_eq!(format!("{shop:?}"), "postgres://db:5432/t1_*_db");
    }
}
