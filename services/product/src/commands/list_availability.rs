//! `GET /api/Product/availability`: what of the menu can be ordered now.

use std::{collections::HashSet, sync::Arc, time::Duration};

use contracts::{
    ids::ProductId,
    inventory::{FindSoldOut, ReserveItem, SOLD_OUT_ITEMS_MAX, SoldOut},
    product::Availability,
    time::Timestamp,
};
use tokio::sync::Mutex;

use super::Products;
use crate::{error::ProductError, model::default_item, store};

/// How long an answer of Inventory is used. An order is still checked against the stock itself.
const SOLD_OUT_TTL: Duration = Duration::from_secs(2);
/// How long Inventory may take for the whole menu.
const SOLD_OUT_TIMEOUT: Duration = Duration::from_secs(2);
/// How many cards one query reads.
const CARDS_PER_READ_MAX: u32 = 500;

/// The last answer of Inventory, and when it came. While one request asks, the others wait for its answer.
pub(super) type SoldOutCache = Arc<Mutex<Option<(Timestamp, KnownSoldOut)>>>;
/// The products that are sold out. `None`: Inventory is unavailable.
type KnownSoldOut = Option<Arc<HashSet<ProductId>>>;

impl Products {
    /// Every product of the menu, and whether it can be ordered now: it is on sale, and no BLOCK item has too little
    /// for one with its default options. While Inventory is unavailable, what is on sale counts as available.
    pub(crate) async fn list_availability(&self) -> Result<Vec<Availability>, ProductError> {
        let mut availability = self.db.read(store::products::list_availability).await?;
        if let Some(sold_out) = self.known_sold_out().await? {
            for row in availability.iter_mut().filter(|row| row.is_available) {
                let is_sold_out = sold_out.contains(&row.product_id);
                row.is_available = !is_sold_out;
                row.is_sold_out = Some(is_sold_out);
            }
        }
        Ok(availability)
    }

    async fn known_sold_out(&self) -> Result<KnownSoldOut, ProductError> {
        let mut cached = self.sold_out.lock().await;
        let now = self.clock.now();
        if let Some((asked_at, known)) = &*cached
            && is_fresh(*asked_at, now)
        {
            return Ok(known.clone());
        }
        let items = self.default_items().await?;
        let known = self.find_sold_out(items).await.map(Arc::new);
        *cached = Some((self.clock.now(), known.clone()));
        Ok(known)
    }

    /// One of each product that is on sale, as it is ordered by default.
    async fn default_items(&self) -> Result<Vec<ReserveItem>, ProductError> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let cards = self.db.read(move |tx| store::products::list_on_menu(tx, after, CARDS_PER_READ_MAX)).await?;
            let Some(last) = cards.last() else { return Ok(items) };
            after = Some(last.product_id);
            items.extend(cards.iter().filter(|card| card.is_available).map(default_item));
        }
    }

    async fn find_sold_out(&self, items: Vec<ReserveItem>) -> Option<HashSet<ProductId>> {
        let ask = async {
            let mut sold_out = HashSet::new();
            for items in items.chunks(SOLD_OUT_ITEMS_MAX) {
                let request = FindSoldOut { items: items.to_vec() };
                let answer: SoldOut = self.inventory.post("/internal/Inventory/sold-out", &request).await?;
                sold_out.extend(answer.product_ids);
            }
            Ok::<_, web::CallError>(sold_out)
        };
        match tokio::time::timeout(SOLD_OUT_TIMEOUT, ask).await {
            Ok(Ok(sold_out)) => Some(sold_out),
            Ok(Err(error)) => {
                tracing::debug!(error = %errors::chain(&error), "sold-out products unknown");
                None
            }
            Err(_) => {
                tracing::debug!("sold-out products unknown: Inventory took too long");
                None
            }
        }
    }
}

/// An answer from the future is stale too: the clock was set back.
fn is_fresh(asked_at: Timestamp, now: Timestamp) -> bool {
    asked_at <= now && now < asked_at + SOLD_OUT_TTL
}
