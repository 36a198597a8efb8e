//! The databases of the services that reports are made from, opened to be read when they are first needed: a service may
//! start later than this one, or run elsewhere.

use db::Db;
use host::Databases;
use tokio::sync::OnceCell;

use crate::error::ExtractError;

/// Handles that read the `etl_*` views of other services.
pub(super) struct Sources {
    databases: Databases,
    order: OnceCell<Db>,
    product: OnceCell<Db>,
}

impl Sources {
    pub(super) fn new(databases: Databases) -> Self {
        Self { databases, order: OnceCell::new(), product: OnceCell::new() }
    }

    /// The orders: `etl_orders` and `etl_order_items`.
    pub(super) async fn order(&self) -> Result<&Db, ExtractError> {
        self.order.get_or_try_init(|| self.open("order")).await
    }

    /// The menu: `etl_products` and `etl_categories`.
    pub(super) async fn product(&self) -> Result<&Db, ExtractError> {
        self.product.get_or_try_init(|| self.open("product")).await
    }

    async fn open(&self, service: &'static str) -> Result<Db, ExtractError> {
        let opened = self.databases.open_read_only(service).await;
        opened.map_err(|error| ExtractError::SourceAway { service, why: error.to_string() })
    }
}
