//! Cards in the cache, where Order reads them ("System Startup" and the data flow of the specification).

use cache::{Cache, CacheError};
use contracts::product::{ProductCard, cache_keys};
use db::DbError;

use super::Products;
use crate::{error::ProductError, store};

/// How many cards are read at once on the walk over all of them.
const CARDS_PER_READ_MAX: u32 = 500;

/// Keeps what Order needs of a product under its three keys, all of one version.
pub(super) async fn put(cache: &dyn Cache, card: &ProductCard) -> Result<(), PutError> {
    let entries = cache_keys::entries(card)?;
    cache.put_versioned(&cache_keys::card(card.product_id), card.version, &entries).await?;
    Ok(())
}

/// A card was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the card cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Products {
    /// "System Startup": caches every product of the menu. Goes on without a cache that does not answer: readers then
    /// ask for what they miss, as they do for what has left the menu.
    ///
    /// # Errors
    /// Where the products cannot be read.
    pub(crate) async fn cache_all(&self) -> Result<(), ProductError> {
        let mut after = None;
        loop {
            let cards = self.db.read(move |tx| store::products::on_menu_after(tx, after, CARDS_PER_READ_MAX)).await;
            let cards: Vec<ProductCard> = cards.map_err(|error: DbError| error)?;
            let Some(last) = cards.last() else { return Ok(()) };
            after = Some(last.product_id);
            for card in &cards {
                if let Err(error) = put(&*self.cache, card).await {
                    tracing::warn!(%error, "the menu is not cached");
                    return Ok(());
                }
            }
        }
    }
}
