//! A product comes to the menu.

use contracts::{
    event::ProductChanged,
    ids::ProductId,
    product::{ProductCard, WriteProduct},
    time::Timestamp,
};
use db::{
    Tx,
    idempotency::{self, IdempotencyKey},
    outbox,
};

use super::Products;
use crate::{
    error::ProductError,
    model::{CheckedProduct, InvalidMenu, MENU_PRODUCTS_MAX, check_product},
    store,
};

impl Products {
    /// Adds a product, for sale at once, and answers its card. The same request again is answered as the first time.
    ///
    /// # Errors
    /// Where it cannot be on the menu, or its id is another's.
    pub(crate) async fn create(
        &self,
        key: Option<IdempotencyKey>,
        write: WriteProduct,
    ) -> Result<ProductCard, ProductError> {
        if let Some(earlier) = self.replay(key.clone()).await? {
            return Ok(earlier);
        }
        let now = self.clock.now();
        let id = write.product_id.unwrap_or_else(|| ProductId::new(now));
        let product = check_product(write, &self.shop.current(), now)?;
        let card = self
            .db
            .write(move |tx| {
                if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                    return Ok(earlier);
                }
                let card = add(tx, id, &product, now)?;
                idempotency::save_response(tx, key.as_ref(), &card, now)?;
                Ok::<_, ProductError>(card)
            })
            .await?;
        self.remember(&card).await;
        Ok(card)
    }

    /// What this request was answered before, even where the shop's rules have changed since.
    async fn replay(&self, key: Option<IdempotencyKey>) -> Result<Option<ProductCard>, ProductError> {
        if key.is_none() {
            return Ok(None);
        }
        self.db.point_read(move |tx| Ok(idempotency::find_response(tx, key.as_ref())?)).await
    }
}

fn add(tx: &mut Tx<'_>, id: ProductId, product: &CheckedProduct, now: Timestamp) -> Result<ProductCard, ProductError> {
    let products = store::products::count_on_menu(tx)?;
    if products >= MENU_PRODUCTS_MAX {
        return Err(ProductError::MenuFull(products));
    }
    let category = store::categories::hold(tx, product.category_id)?;
    category.ok_or(InvalidMenu::Category(product.category_id))?;
    let card = store::products::insert(tx, id, product, now)?.ok_or(ProductError::ProductExists(id))?;
    outbox::append(tx, &ProductChanged(card.clone()), now)?;
    Ok(card)
}
