//! Reads product cards from the cache (step 3), and from Product those that the cache does not have.

use std::collections::HashMap;

use contracts::{
    ids::ProductId,
    product::{ProductCard, cache_keys},
};
use host::NotCached;

use super::Orders;
use crate::error::PlaceError;

/// The three entries that the cache has for one product.
const ENTRIES_PER_PRODUCT: usize = 3;

impl Orders {
    /// ProductChanged: caches a card, unless a newer one is cached.
    ///
    /// # Errors
    /// [`NotCached`]: an old price may still be there. The event comes again.
    pub(crate) async fn cache_product_card(&self, card: &ProductCard) -> Result<(), NotCached> {
        host::put_product_card(&*self.cache, card).await
    }

    /// The cards of these products. A product that does not exist is left out.
    pub(super) async fn product_cards(
        &self,
        product_ids: impl Iterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, ProductCard>, PlaceError> {
        let mut product_ids: Vec<ProductId> = product_ids.collect();
        product_ids.sort_unstable();
        product_ids.dedup();

        let mut cards = self.cached_cards(&product_ids).await;
        product_ids.retain(|product_id| !cards.contains_key(product_id));
        if !product_ids.is_empty() {
            for card in self.fetch_cards(&product_ids).await? {
                if let Err(error) = self.cache_product_card(&card).await {
                    tracing::warn!(product_id = %card.product_id, error = %errors::chain(&error), "product not cached");
                }
                cards.insert(card.product_id, card);
            }
        }
        Ok(cards)
    }

    async fn cached_cards(&self, product_ids: &[ProductId]) -> HashMap<ProductId, ProductCard> {
        let keys: Vec<String> = product_ids
            .iter()
            .flat_map(|id| [cache_keys::price(*id), cache_keys::dispensable(*id), cache_keys::card(*id)])
            .collect();
        match self.cache.get_many(&keys).await {
            Ok(values) => {
                let cards = values.chunks_exact(ENTRIES_PER_PRODUCT).filter_map(card_of_entries);
                cards.map(|card| (card.product_id, card)).collect()
            }
            Err(error) => {
                tracing::warn!(error = %errors::chain(&error), "product cache unavailable");
                HashMap::new()
            }
        }
    }

    async fn fetch_cards(&self, product_ids: &[ProductId]) -> Result<Vec<ProductCard>, PlaceError> {
        let ids = product_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let cards = self.product.get(&format!("/internal/Product/cards?ids={ids}")).await;
        cards.map_err(PlaceError::MenuUnavailable)
    }
}

/// The card, if all three entries are there and agree. An entry that was changed by hand counts as a miss.
fn card_of_entries(entries: &[Option<String>]) -> Option<ProductCard> {
    let [Some(price), Some(dispensable), Some(card)] = entries else { return None };
    let card: ProductCard = serde_json::from_str(card).ok()?;
    let agrees = *price == card.price.to_string() && *dispensable == card.is_dispensable.to_string();
    agrees.then_some(card)
}
