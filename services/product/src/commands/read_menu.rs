//! The menu as it is.

use contracts::{
    Page,
    ids::{CategoryId, ProductId},
    money::Currency,
    product::{Availability, CategoryView, ProductCard},
};
use db::DbError;

use super::Products;
use crate::{
    error::ProductError,
    store::{self, products::Filter},
};

/// Which products to show, and where to go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProductQuery {
    /// Those of this category.
    pub category_id: Option<CategoryId>,
    /// Those that are, or are not, on sale.
    pub is_available: Option<bool>,
    /// Those with this text in name or description; SQLite forgives other capitals from A to Z alone.
    pub text: Option<String>,
    /// Those that were archived too.
    pub include_archived: bool,
    /// After this product.
    pub after: Option<ProductId>,
    /// At most this many.
    pub limit: u32,
}

impl Products {
    /// A page of products, in the menu's order.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) async fn page(&self, query: ProductQuery) -> Result<Page<ProductCard>, ProductError> {
        let ProductQuery { after, limit, .. } = query;
        let filter = Filter {
            category_id: query.category_id,
            is_available: query.is_available,
            pattern: query.text.as_deref().map(db::like_contains),
            include_archived: query.include_archived,
        };
        let rows = self.db.read(move |tx| store::products::page(tx, &filter, after, limit + 1)).await;
        Ok(Page::of(rows.map_err(|error: DbError| error)?, limit, |card| card.product_id))
    }

    /// One product, archived or not.
    ///
    /// # Errors
    /// Where it does not exist.
    pub(crate) async fn find(&self, id: ProductId) -> Result<ProductCard, ProductError> {
        self.db.point_read(move |tx| store::products::find(tx, id)?.ok_or(ProductError::UnknownProduct(id))).await
    }

    /// The products of these ids that exist, archived or not.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) async fn cards(&self, ids: Vec<ProductId>) -> Result<Vec<ProductCard>, ProductError> {
        self.db.read(move |tx| Ok(store::products::find_many(tx, &ids)?)).await
    }

    /// What of the menu is on sale.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn availability(&self) -> Result<Vec<Availability>, ProductError> {
        self.db.read(|tx| Ok(store::products::availability(tx)?)).await
    }

    /// The currencies of the menu's prices: more than none, and the shop's cannot change.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) async fn currencies(&self) -> Result<Vec<Currency>, ProductError> {
        self.db.read(|tx| Ok(store::products::currencies(tx)?)).await
    }

    /// The taxes that products of the menu name: the shop keeps them.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) async fn taxes(&self) -> Result<Vec<String>, ProductError> {
        self.db.read(|tx| Ok(store::products::taxes(tx)?)).await
    }

    /// A page of categories, in the menu's order.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) async fn category_page(
        &self,
        include_archived: bool,
        after: Option<CategoryId>,
        limit: u32,
    ) -> Result<Page<CategoryView>, ProductError> {
        let rows = self.db.read(move |tx| store::categories::page(tx, include_archived, after, limit + 1)).await;
        Ok(Page::of(rows.map_err(|error: DbError| error)?, limit, |category| category.category_id))
    }

    /// One category, archived or not.
    ///
    /// # Errors
    /// Where it does not exist.
    pub(crate) async fn find_category(&self, id: CategoryId) -> Result<CategoryView, ProductError> {
        self.db.point_read(move |tx| store::categories::find(tx, id)?.ok_or(ProductError::UnknownCategory(id))).await
    }
}
