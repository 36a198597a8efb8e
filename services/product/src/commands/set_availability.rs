//! `PUT /api/Product/{productId}/availability`.

use contracts::{
    audit::Actor,
    event::ProductChanged,
    ids::ProductId,
    product::{Availability, ProductCard},
};
use db::outbox;

use super::{Products, append_product_act, replace_product::get_editable};
use crate::{error::ProductError, store};

impl Products {
    /// Puts a product on sale or takes it off. The same setting again changes nothing and publishes nothing.
    ///
    /// # Errors
    /// `UnknownProduct`, or `ProductArchived`.
    #[tracing::instrument(level = "debug", skip_all, fields(product_id = %id))]
    pub(crate) async fn set_availability(
        &self,
        actor: Actor,
        id: ProductId,
        is_available: bool,
    ) -> Result<Availability, ProductError> {
        let now = self.clock.now();
        let set = self.db.write(move |tx| match store::products::set_availability(tx, id, is_available, now)? {
            Some(card) => {
                outbox::append(tx, &ProductChanged(card.clone()), now)?;
                let before = ProductCard { is_available: !is_available, ..card.clone() };
                append_product_act(tx, &actor, "product.availability_changed", &before, &card)?;
                Ok(card)
            }
            None => get_editable(tx, id),
        });
        let card = set.await?;
        self.cache_card(&card).await;
        Ok(Availability { product_id: id, is_available: card.is_available, is_sold_out: None, version: card.version })
    }
}
