//! Cards in the cache, where Order reads them ("System Startup" and the data flow of the specification).

use contracts::product::ProductCard;

use super::Products;
use crate::{error::ProductError, store};

/// How many cards one query reads.
const CARDS_PER_READ_MAX: u32 = 500;

impl Products {
    /// "System Startup": caches every product of the menu. Without a cache it stops at the first card: readers then ask
    /// for what they miss, as they do for archived products.
    pub(crate) async fn cache_all_cards(&self) -> Result<(), ProductError> {
        let mut after = None;
        loop {
            let cards = self.db.read(move |tx| store::products::list_on_menu(tx, after, CARDS_PER_READ_MAX)).await?;
            let Some(last) = cards.last() else { return Ok(()) };
            after = Some(last.product_id);
            for card in &cards {
                if !self.cache_card(card).await {
                    return Ok(());
                }
            }
        }
    }

    /// Caches a card after its commit, which saves Order a call. Without it the next reader asks. Returns whether the
    /// cache took it.
    pub(super) async fn cache_card(&self, card: &ProductCard) -> bool {
        match host::put_product_card(&*self.cache, card).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(product_id = %card.product_id, error = %errors::chain(&error), "product card not cached");
                false
            }
        }
    }
}
