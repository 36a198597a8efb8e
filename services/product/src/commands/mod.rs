//! What can be done with the menu: a file for each use case.

mod cache_cards;
mod change_category;
mod change_product;
mod create_product;
mod read_menu;

use std::sync::Arc;

use cache::Cache;
use clock::Clock;
use contracts::{Page, product::ProductCard};
use db::Db;
use host::ShopFeed;

pub(crate) use read_menu::ProductQuery;

/// The menu: the home of its commands.
#[derive(Clone)]
pub(crate) struct Products {
    db: Db,
    cache: Arc<dyn Cache>,
    clock: Clock,
    shop: ShopFeed,
}

impl Products {
    /// The menu in `db`, whose cards go to `cache`.
    #[must_use]
    pub(crate) fn new(db: Db, cache: Arc<dyn Cache>, clock: Clock, shop: ShopFeed) -> Self {
        Self { db, cache, clock, shop }
    }

    /// After a commit: a cache that holds the card saves Order a call. Without it the next reader asks.
    async fn remember(&self, card: &ProductCard) {
        if let Err(error) = cache_cards::put(&*self.cache, card).await {
            tracing::warn!(product_id = %card.product_id, %error, "card_not_cached");
        }
    }
}

/// A page of the `rows` that were asked for with one more than `limit`.
fn page_of<T, K: ToString>(mut rows: Vec<T>, limit: u32, key: impl Fn(&T) -> K) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|last| key(last).to_string());
    Page { items: rows, next_cursor }
}
