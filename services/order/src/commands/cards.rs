//! Reads products from the cache (step 3), and from Product what the cache does not know.

use std::collections::HashMap;

use contracts::{
    ids::ProductId,
    product::{ProductCard, cache_keys},
};

use super::Orders;
use crate::error::{CardNotCached, PlaceError};

/// The three entries that the cache has for one product.
const ENTRIES_PER_PRODUCT: usize = 3;

impl Orders {
    /// The cards of these products. One that does not exist is left out.
    pub(super) async fn cards(
        &self,
        product_ids: impl Iterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, ProductCard>, PlaceError> {
        let mut product_ids: Vec<ProductId> = product_ids.collect();
        product_ids.sort_unstable();
        product_ids.dedup();

        let mut cards = self.cached_cards(&product_ids).await;
        product_ids.retain(|product_id| !cards.contains_key(product_id));
        if !product_ids.is_empty() {
            for card in self.cards_from_product(&product_ids).await? {
                if let Err(error) = self.cache_card(&card).await {
                    tracing::warn!(product_id = %card.product_id, %error, "a product is not cached");
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
                tracing::warn!(%error, "products are read from their service");
                HashMap::new()
            }
        }
    }

    async fn cards_from_product(&self, product_ids: &[ProductId]) -> Result<Vec<ProductCard>, PlaceError> {
        let ids = product_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        self.product.get(&format!("/internal/Product/cards?ids={ids}")).await.map_err(|error| {
            tracing::error!(%error, "an order was not placed: products cannot be read");
            PlaceError::MenuAway
        })
    }

    /// Keeps a card in the cache, unless a newer one is there.
    ///
    /// # Errors
    /// Where the cache does not take it: an old price may be there.
    pub(crate) async fn cache_card(&self, card: &ProductCard) -> Result<(), CardNotCached> {
        let entries = cache_keys::entries(card)?;
        self.cache.put_versioned(&cache_keys::card(card.product_id), card.version, &entries).await?;
        Ok(())
    }
}

/// The card, if the three entries are there and agree: whoever changed one of them by hand is asked to be sure.
fn card_of_entries(entries: &[Option<String>]) -> Option<ProductCard> {
    let [Some(price), Some(dispensable), Some(card)] = entries else { return None };
    let card: ProductCard = serde_json::from_str(card).ok()?;
    let agrees = *price == card.price.to_string() && *dispensable == card.is_dispensable.to_string();
    agrees.then_some(card)
}
