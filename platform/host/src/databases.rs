//! The databases of the services.

use std::{fmt, path::Path, path::PathBuf, sync::Arc};

use contracts::ids::EventId;
use db::{Db, DbOptions, DbUrl, InstanceLock, InstanceLockError, InvalidServerUrl, OpenError, Schema, ServerUrl};

/// The databases of the services: a file each in one folder, or a database each on one server. Cheap to clone.
#[derive(Clone)]
pub struct Databases {
    location: Location,
    options: DbOptions,
}

#[derive(Clone)]
enum Location {
    Folder(Arc<PathBuf>),
    Server(Arc<Server>),
}

struct Server {
    url: ServerUrl,
    /// The start of every name. Empty if the server holds one shop.
    prefix: String,
}

impl Databases {
    /// SQLite: `DIR/orders.db`, `DIR/payments.db`, and so on.
    #[must_use]
    pub fn sqlite(folder: &Path) -> Self {
        Self { location: Location::Folder(Arc::new(folder.to_owned())), options: DbOptions::default() }
    }

    /// PostgreSQL: `orders_db`, `payments_db`, and so on, on the server at `address`, which names no database:
    /// `postgres://user:password@host:port`. Their names begin with `prefix`, so that one server holds several shops.
    ///
    /// # Errors
    /// If `address` is not the address of a server.
    pub fn postgres_prefixed(address: &str, prefix: &str) -> Result<Self, InvalidServerUrl> {
        let server = Server { url: address.parse()?, prefix: prefix.to_owned() };
        Ok(Self { location: Location::Server(Arc::new(server)), options: DbOptions::default() })
    }

    /// Whether they are on a PostgreSQL server.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self.location, Location::Server(_))
    }

    /// The same databases, opened with other options.
    #[must_use]
    pub fn with_options(self, options: DbOptions) -> Self {
        Self { options, ..self }
    }

    /// The address of a service's database.
    fn url(&self, service: &str) -> DbUrl {
        let name = name_of(service);
        match &self.location {
            Location::Folder(folder) => DbUrl::sqlite(folder.join(format!("{name}.db"))),
            Location::Server(server) => server.url.database(&format!("{}{name}_db", server.prefix)),
        }
    }

    /// Makes this process the only one that runs the shop of these databases, until the lock is dropped. Its bus, its
    /// cache and its copy of the shop's rules are its own: a second process would sell at old prices.
    ///
    /// # Errors
    /// [`InstanceLockError::Taken`] if another process runs the shop.
    pub async fn lock_instance(&self) -> Result<InstanceLock, InstanceLockError> {
        InstanceLock::acquire(&self.url("gateway")).await
    }

    /// Opens a service's own database. It is created and migrated if necessary.
    ///
    /// # Errors
    /// [`OpenError`]: its text names what to do.
    pub async fn open(&self, schema: &Schema) -> Result<Db, OpenError> {
        Db::open(&self.url(schema.service), schema, self.options.clone()).await
    }

    /// Opens a service's database without migrations, for a few writes beside the service, which may be running.
    ///
    /// # Errors
    /// [`OpenError`] if it does not exist yet, or cannot be used.
    pub async fn open_existing(&self, service: &str) -> Result<Db, OpenError> {
        Db::open_existing(&self.url(service)).await
    }

    /// Opens a service's database for reading by another: reports read the `etl_` views.
    ///
    /// # Errors
    /// [`OpenError`] if it does not exist yet, or cannot be used.
    pub async fn open_read_only(&self, service: &str) -> Result<Db, OpenError> {
        Db::open_read_only(&self.url(service)).await
    }

    /// The holder of the outbox leases of these databases, for `process`. A folder belongs to one process at a time, so
    /// a process that starts after a kill is the same holder. On a server it waits until the lease of the killed process
    /// has expired.
    pub(crate) fn lease_holder(&self, process: EventId) -> Arc<str> {
        match &self.location {
            Location::Folder(_) => "the process of the folder".into(),
            Location::Server(_) => process.to_string().into(),
        }
    }
}

/// The specification's name of a service's database, without its `_db`.
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
        match &self.location {
            Location::Folder(folder) => write!(f, "sqlite:{}", folder.display()),
            Location::Server(server) => write!(f, "{}/{}*_db", server.url, server.prefix),
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
        let shop = Databases::postgres_prefixed("postgres://fnb:secret@db:5432/?connect_timeout=3", "").unwrap();
        let named = |service| shop.url(service).to_string();
        assert_eq!(named("order"), "postgres://db:5432/orders_db");
        assert_eq!(named("inventory"), "postgres://db:5432/inventory_db");
        let small = Databases::sqlite(Path::new("/srv/shop"));
        assert_eq!(small.url("payment").to_string(), "sqlite:/srv/shop/payments.db");
    }

    #[test]
    fn a_servers_host_is_shown_and_its_password_is_not() {
        for address in ["postgres://fnb:secret@db:5432", "postgres://db"] {
            let shop = Databases::postgres_prefixed(address, "t1_").unwrap();
            assert_eq!(format!("{shop:?}"), "postgres://db:5432/t1_*_db");
        }
    }
}
