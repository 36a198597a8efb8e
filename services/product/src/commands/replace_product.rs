//! `PUT /api/Product/{productId}`.

use contracts::{
    audit::Actor,
    event::ProductChanged,
    ids::ProductId,
    product::{ProductCard, WriteProduct},
};
use db::{Tx, outbox};

use super::{Products, append_product_act};
use crate::{
    error::ProductError,
    model::{CheckedProduct, InvalidMenu, check_product},
    store,
};

impl Products {
    /// Replaces the whole product. With `expected`, only if that is still its version.
    ///
    /// # Errors
    /// `Invalid`, `UnknownProduct`, `ProductArchived`, or `VersionMismatch`.
    #[tracing::instrument(level = "debug", skip_all, fields(product_id = %id))]
    pub(crate) async fn replace_product(
        &self,
        actor: Actor,
        id: ProductId,
        expected: Option<i64>,
        write: WriteProduct,
    ) -> Result<ProductCard, ProductError> {
        if write.product_id.is_some_and(|written| written != id) {
            return Err(InvalidMenu::ProductIdDiffers.into());
        }
        let now = self.clock.now();
        let product = check_product(write, &self.shop.current(), now)?;
        let replaced = self.db.write(move |tx| {
            let before = match store::categories::lock(tx, product.category_id)? {
                Some(_) => store::products::lock(tx, id)?,
                None => None,
            };
            let updated = match before {
                Some(before) => store::products::update(tx, id, &product, expected, now)?.map(|card| (before, card)),
                None => None,
            };
            let Some((before, card)) = updated else { return Err(refusal(tx, id, &product, expected)?) };
            outbox::append(tx, &ProductChanged(card.clone()), now)?;
            append_product_act(tx, &actor, "product.changed", &before, &card)?;
            Ok::<_, ProductError>(card)
        });
        let card = replaced.await?;
        self.cache_card(&card).await;
        Ok(card)
    }
}

/// Why a product was not updated.
fn refusal(
    tx: &mut Tx<'_>,
    id: ProductId,
    product: &CheckedProduct,
    expected: Option<i64>,
) -> Result<ProductError, ProductError> {
    let card = get_editable(tx, id)?;
    if expected.is_some_and(|expected| expected != card.version) {
        let path = format!("/api/Product/{id}");
        return Ok(ProductError::VersionMismatch { what: "product", path, actual: card.version });
    }
    Ok(InvalidMenu::Category(product.category_id).into())
}

/// A product that may still be changed.
///
/// # Errors
/// `UnknownProduct`, or `ProductArchived`.
pub(super) fn get_editable(tx: &mut Tx<'_>, id: ProductId) -> Result<ProductCard, ProductError> {
    let card = store::products::find(tx, id)?.ok_or(ProductError::UnknownProduct(id))?;
    if card.is_archived { Err(ProductError::ProductArchived { name: card.name }) } else { Ok(card) }
}
