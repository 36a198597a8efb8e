//! What the other GET routes read.

use contracts::{
    Page,
    ids::{CategoryId, ProductId},
    money::Currency,
    product::{CategoryView, ProductCard},
};

use super::Products;
use crate::{
    error::ProductError,
    store::{self, products::ProductFilter},
};

impl Products {
    /// `GET /api/Product`: a page of products, in the menu's order.
    pub(crate) async fn list_products(
        &self,
        filter: ProductFilter,
        after: Option<ProductId>,
        limit: u32,
    ) -> Result<Page<ProductCard>, ProductError> {
        let cards = self.db.read(move |tx| store::products::list(tx, &filter, after, limit + 1)).await?;
        Ok(Page::of(cards, limit, |card| card.product_id))
    }

    /// `GET /api/Product/{productId}`: one product, archived or not.
    ///
    /// # Errors
    /// `UnknownProduct`.
    pub(crate) async fn get_product(&self, id: ProductId) -> Result<ProductCard, ProductError> {
        self.db.point_read(move |tx| store::products::find(tx, id)?.ok_or(ProductError::UnknownProduct(id))).await
    }

    /// `GET /internal/Product/cards`: the products of these ids that exist, archived or not.
    pub(crate) async fn list_cards(&self, ids: Vec<ProductId>) -> Result<Vec<ProductCard>, ProductError> {
        Ok(self.db.read(move |tx| store::products::list_by_ids(tx, &ids)).await?)
    }

    /// `GET /internal/Product/currencies`: the currencies of the menu's prices. While there are any, the shop keeps its
    /// currency.
    pub(crate) async fn list_currencies(&self) -> Result<Vec<Currency>, ProductError> {
        Ok(self.db.read(store::products::list_currencies).await?)
    }

    /// `GET /internal/Product/taxes`: the taxes that products of the menu name. The shop keeps them.
    pub(crate) async fn list_taxes(&self) -> Result<Vec<String>, ProductError> {
        Ok(self.db.read(store::products::list_taxes).await?)
    }

    /// `GET /api/Category`: a page of categories, in the menu's order.
    pub(crate) async fn list_categories(
        &self,
        include_archived: bool,
        after: Option<CategoryId>,
        limit: u32,
    ) -> Result<Page<CategoryView>, ProductError> {
        let list = self.db.read(move |tx| store::categories::list(tx, include_archived, after, limit + 1));
        Ok(Page::of(list.await?, limit, |category| category.category_id))
    }

    /// `GET /api/Category/{categoryId}`: one category, archived or not.
    ///
    /// # Errors
    /// `UnknownCategory`.
    pub(crate) async fn get_category(&self, id: CategoryId) -> Result<CategoryView, ProductError> {
        self.db.point_read(move |tx| store::categories::find(tx, id)?.ok_or(ProductError::UnknownCategory(id))).await
    }
}
