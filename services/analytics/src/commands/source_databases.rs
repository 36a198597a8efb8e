//! The databases of other services, opened read-only when they are first needed: a service may start later than this
//! one.

use db::Db;
use host::Databases;
use tokio::sync::OnceCell;

use crate::error::ExtractError;

/// Connections that read the `etl_*` views of other services.
pub(super) struct SourceDatabases {
    databases: Databases,
    order: OnceCell<Db>,
    payment: OnceCell<Db>,
    product: OnceCell<Db>,
}

impl SourceDatabases {
    pub(super) fn new(databases: Databases) -> Self {
        Self { databases, order: OnceCell::new(), payment: OnceCell::new(), product: OnceCell::new() }
    }

    /// `etl_orders` and `etl_order_items`.
    pub(super) async fn order(&self) -> Result<&Db, ExtractError> {
        self.order.get_or_try_init(|| self.open("order")).await
    }

    /// `etl_payments`.
    pub(super) async fn payment(&self) -> Result<&Db, ExtractError> {
        self.payment.get_or_try_init(|| self.open("payment")).await
    }

    /// `etl_products` and `etl_categories`.
    pub(super) async fn product(&self) -> Result<&Db, ExtractError> {
        self.product.get_or_try_init(|| self.open("product")).await
    }

    async fn open(&self, service: &'static str) -> Result<Db, ExtractError> {
        let opened = self.databases.open_read_only(service).await;
        opened.map_err(|source| ExtractError::SourceNotOpened { service, source })
    }
}
