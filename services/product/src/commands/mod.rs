//! What can be done with the menu: a file for each use case.

mod cache_cards;
mod change_category;
mod change_product;
mod create_product;
mod read_menu;

use std::sync::Arc;

use cache::Cache;
use clock::Clock;
use contracts::product::ProductCard;
use db::Db;
use host::SharedShopRules;

pub(crate) use read_menu::ProductQuery;

/// The menu: the home of its commands.
#[derive(Clone)]
pub(crate) struct Products {
    db: Db,
    cache: Arc<dyn Cache>,
    clock: Clock,
    shop: SharedShopRules,
}

impl Products {
    /// The menu in `db`, whose cards go to `cache`.
    #[must_use]
    pub(crate) fn new(db: Db, cache: Arc<dyn Cache>, clock: Clock, shop: SharedShopRules) -> Self {
        Self { db, cache, clock, shop }
    }

    /// After a commit: a cache that holds the card saves Order a call. Without it the next reader asks.
    async fn remember(&self, card: &ProductCard) {
        if let Err(error) = cache_cards::put(&*self.cache, card).await {
            tracing::warn!(product_id = %card.product_id, %error, "a product is not cached");
        }
    }
}
