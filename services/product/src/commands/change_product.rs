//! A product changes, goes on sale or off it, or leaves the menu for good.

use contracts::{
    event::ProductChanged,
    ids::ProductId,
    product::{Availability, ProductCard, WriteProduct},
};
use db::{Tx, outbox};

use super::Products;
use crate::{
    error::ProductError,
    model::{InvalidMenu, check_product},
    store,
};

impl Products {
    /// Replaces the whole product. With `expected`, only if that is still its version.
    ///
    /// # Errors
    /// Where it cannot be on the menu, has left it, or has another version by now.
    pub(crate) async fn replace(
        &self,
        id: ProductId,
        expected: Option<i64>,
        write: WriteProduct,
    ) -> Result<ProductCard, ProductError> {
        if write.product_id.is_some_and(|written| written != id) {
            return Err(InvalidMenu::ProductIdDiffers.into());
        }
        let now = self.clock.now();
        let product = check_product(write, &self.shop.current(), now)?;
        let card = self
            .db
            .write(move |tx| {
                let category = store::categories::hold(tx, product.category_id)?;
                let updated = match category {
                    Some(_) => store::products::update(tx, id, &product, expected, now)?,
                    None => None,
                };
                let Some(card) = updated else {
                    let card = changeable(tx, id)?;
                    if expected.is_some_and(|expected| expected != card.version) {
                        return Err(ProductError::version_differs(
                            "product",
                            format!("/api/Product/{id}"),
                            card.version,
                        ));
                    }
                    return Err(InvalidMenu::Category(product.category_id).into());
                };
                outbox::append(tx, &ProductChanged(card.clone()), now)?;
                Ok::<_, ProductError>(card)
            })
            .await?;
        self.remember(&card).await;
        Ok(card)
    }

    /// Puts a product on sale or takes it off. Doing it twice changes nothing and is said once.
    ///
    /// # Errors
    /// Where the product does not exist or has left the menu.
    pub(crate) async fn set_available(&self, id: ProductId, is_available: bool) -> Result<Availability, ProductError> {
        let now = self.clock.now();
        let card = self
            .db
            .write(move |tx| match store::products::set_available(tx, id, is_available, now)? {
                Some(card) => {
                    outbox::append(tx, &ProductChanged(card.clone()), now)?;
                    Ok(card)
                }
                // It is so already.
                None => changeable(tx, id),
            })
            .await?;
        self.remember(&card).await;
        Ok(Availability { product_id: id, is_available: card.is_available, version: card.version })
    }

    /// Takes a product off the menu for good; its past orders keep it. Doing it twice changes nothing.
    ///
    /// # Errors
    /// Where the product does not exist.
    pub(crate) async fn archive(&self, id: ProductId) -> Result<(), ProductError> {
        let now = self.clock.now();
        let archived = self
            .db
            .write(move |tx| {
                let Some(card) = store::products::archive(tx, id, now)? else {
                    store::products::find(tx, id)?.ok_or(ProductError::UnknownProduct(id))?;
                    return Ok::<_, ProductError>(None);
                };
                outbox::append(tx, &ProductChanged(card.clone()), now)?;
                Ok(Some(card))
            })
            .await?;
        if let Some(card) = archived {
            self.remember(&card).await;
        }
        Ok(())
    }
}

/// The product, which an update did not change: as it is, if it may be changed at all.
fn changeable(tx: &mut Tx<'_>, id: ProductId) -> Result<ProductCard, ProductError> {
    let card = store::products::find(tx, id)?.ok_or(ProductError::UnknownProduct(id))?;
    if card.is_archived { Err(ProductError::ProductArchived { name: card.name }) } else { Ok(card) }
}
