//! `POST /api/Product`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    event::ProductChanged,
    ids::ProductId,
    product::{ProductCard, WriteProduct},
    time::Timestamp,
};
use db::{
    DbResult, Tx,
    idempotency::{self, Answer, IdempotencyKey},
    outbox,
};

use super::Products;
use crate::{
    error::ProductError,
    model::{CheckedProduct, InvalidMenu, MENU_PRODUCTS_MAX, check_product},
    store,
};

impl Products {
    /// Adds a product, on sale at once, and returns its card. A repeated request gets the first response.
    ///
    /// # Errors
    /// `Invalid`, `ProductExists` if its id belongs to another product, or `MenuFull`.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn create_product(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        write: WriteProduct,
    ) -> Result<ProductCard, ProductError> {
        if let Some(earlier) = self.earlier_response(key.clone()).await? {
            return Ok(earlier);
        }
        let now = self.clock.now();
        let id = write.product_id.unwrap_or_else(|| ProductId::new(now));
        let product = check_product(write, &self.shop.current(), now)?;
        let created = self.db.write(move |tx| {
            idempotency::once(tx, key.as_ref(), now, |tx| insert_product(tx, &actor, id, &product, now))
        });
        let card = created.await.map(Answer::into_inner)?;
        self.cache_card(&card).await;
        Ok(card)
    }

    /// The first response to this request. It stays valid even if the shop's rules have changed since.
    async fn earlier_response(&self, key: Option<IdempotencyKey>) -> Result<Option<ProductCard>, ProductError> {
        if key.is_none() {
            return Ok(None);
        }
        self.db.point_read(move |tx| Ok(idempotency::find_response(tx, key.as_ref())?)).await
    }
}

fn insert_product(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: ProductId,
    product: &CheckedProduct,
    now: Timestamp,
) -> Result<ProductCard, ProductError> {
    let products = store::products::count_on_menu(tx)?;
    if products >= MENU_PRODUCTS_MAX {
        return Err(ProductError::MenuFull(products));
    }
    let category = store::categories::lock(tx, product.category_id)?;
    category.ok_or(InvalidMenu::Category(product.category_id))?;
    let card = store::products::insert(tx, id, product, now)?.ok_or(ProductError::ProductExists(id))?;
    outbox::append(tx, &ProductChanged(card.clone()), now)?;
    append_created(tx, actor, &card, now)?;
    Ok(card)
}

/// The act for the audit trail.
fn append_created(tx: &mut Tx<'_>, actor: &Actor, card: &ProductCard, now: Timestamp) -> DbResult<()> {
    let act = AuditEntry::new(actor.clone(), AuditArea::Menu, "product.created", card.product_id, &*card.name, now);
    outbox::append_act(tx, act.with_after(card)?)
}
