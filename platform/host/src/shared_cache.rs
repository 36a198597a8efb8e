//! The cache entries that several services write: parts of receipts, and product cards.
//!
//! Losing the cache costs time, not data: after a miss the entry is read from the service that owns it.

use cache::{Cache, CacheError};
use contracts::{
    ids::OrderId,
    product::{ProductCard, cache_keys},
    receipt::{RECEIPT_TTL, ReceiptField, cache_key},
};
use serde::Serialize;

/// An entry was not cached.
#[derive(Debug, thiserror::Error)]
pub enum NotCached {
    /// It cannot be written as JSON: a defect.
    #[error("it cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The cache did not take it.
    #[error("the cache did not take it")]
    Cache(#[from] CacheError),
}

/// Writes a service's part of an order's receipt, unless a part of this version or a newer one is there (steps 6, 12
/// and 19). A part that is not written is logged: readers then ask the service.
pub async fn put_receipt_part<T: Serialize>(
    cache: &dyn Cache,
    order_id: OrderId,
    field: ReceiptField,
    version: i64,
    part: &T,
) {
    let written = async {
        let json = serde_json::to_string(part)?;
        Ok::<_, NotCached>(cache.put_field(&cache_key(order_id), field.name(), version, json, RECEIPT_TTL).await?)
    };
    if let Err(error) = written.await {
        tracing::warn!(%order_id, part = field.name(), error = %errors::chain(&error), "receipt part not cached");
    }
}

/// Writes a product's card, unless a newer one is there.
///
/// # Errors
/// [`NotCached`]: an old price may still be in the cache.
pub async fn put_product_card(cache: &dyn Cache, card: &ProductCard) -> Result<(), NotCached> {
    let entries = cache_keys::entries(card)?;
    cache.put_versioned(&cache_keys::card(card.product_id), card.version, &entries).await?;
    Ok(())
}
