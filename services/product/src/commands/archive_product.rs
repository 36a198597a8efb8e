//! `DELETE /api/Product/{productId}`.

use contracts::{audit::Actor, event::ProductChanged, ids::ProductId, product::ProductCard};
use db::outbox;

use super::{Products, append_product_act};
use crate::{error::ProductError, store};

impl Products {
    /// Takes a product off the menu for good; its past orders keep it. Archiving it again changes nothing.
    ///
    /// # Errors
    /// `UnknownProduct`.
    #[tracing::instrument(level = "debug", skip_all, fields(product_id = %id))]
    pub(crate) async fn archive_product(&self, actor: Actor, id: ProductId) -> Result<(), ProductError> {
        let now = self.clock.now();
        let archived = self.db.write(move |tx| {
            let Some(card) = store::products::archive(tx, id, now)? else {
                store::products::find(tx, id)?.ok_or(ProductError::UnknownProduct(id))?;
                return Ok::<_, ProductError>(None);
            };
            outbox::append(tx, &ProductChanged(card.clone()), now)?;
            let before = ProductCard { is_archived: false, ..card.clone() };
            append_product_act(tx, &actor, "product.archived", &before, &card)?;
            Ok(Some(card))
        });
        if let Some(card) = archived.await? {
            self.cache_card(&card).await;
        }
        Ok(())
    }
}
