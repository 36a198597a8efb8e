//! `GET /api/Order/{orderId}/receipt` (steps 20 and 23): from the cache if every part is there, else from the services.

use std::{collections::HashMap, time::Duration};

use contracts::{
    ids::OrderId,
    receipt::{Receipt, ReceiptCodes, ReceiptField, ReceiptOrder, ReceiptPayment, cache_key},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Orders;
use crate::{error::OrderError, model::Viewer};

/// The first pause between two reads if no change is signalled. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between two reads.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Orders {
    /// The receipt as it is now. While its codes are being issued it waits for them, at most `wait`.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`].
    pub(crate) async fn get_receipt(
        &self,
        viewer: Viewer,
        order_id: OrderId,
        wait: Duration,
    ) -> Result<Receipt, OrderError> {
        self.check_visible(viewer, order_id).await?;
        let deadline = Instant::now() + wait;
        let key = cache_key(order_id);
        let mut pause = FIRST_PAUSE;
        loop {
            let changed = self.cache.changed(&key);
            let receipt = match self.cached_receipt(&key).await {
                Some(receipt) => receipt,
                None => self.assembled_receipt(order_id).await?,
            };
            let now = Instant::now();
            if !receipt.qr_pending || now >= deadline {
                return Ok(receipt);
            }
            // It is read again after the pause, too: an unavailable cache signals nothing.
            let _signalled = tokio::time::timeout(pause.min(deadline - now), changed).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The receipt of a paid order, if every part of it is in the cache.
    async fn cached_receipt(&self, key: &str) -> Option<Receipt> {
        let fields = self.cache.get_fields(key).await.ok()?;
        let order: ReceiptOrder = cached_part(&fields, ReceiptField::Order)?;
        let payment: ReceiptPayment = cached_part(&fields, ReceiptField::Payment)?;
        let codes: Option<ReceiptCodes> = cached_part(&fields, ReceiptField::Codes);
        let receipt = Receipt::assemble(order, Some(&payment), codes);
        (!receipt.qr_pending).then_some(receipt)
    }

    /// The receipt from the services themselves. If Payment is unavailable it shows what Order knows: whether, how and
    /// when the order was paid. If QR is unavailable its codes are pending.
    async fn assembled_receipt(&self, order_id: OrderId) -> Result<Receipt, OrderError> {
        let order = self.get_order(Viewer::Shop, order_id).await?;
        let has_codes = order.items.iter().any(|item| item.is_dispensable);
        let codes_path = format!("/internal/QrCode/receipt/{order_id}");
        let payment = async {
            self.fetch_payment(order_id).await.unwrap_or_else(|error| {
                tracing::warn!(%order_id, error = %errors::chain(&error), "receipt without its payment");
                None
            })
        };
        let codes = async {
            if !has_codes {
                return None;
            }
            let codes = self.qr.get::<ReceiptCodes>(&codes_path).await;
            codes
                .inspect_err(|error| {
                    tracing::warn!(%order_id, error = %errors::chain(error), "receipt without its codes");
                })
                .ok()
        };
        let (payment, codes) = tokio::join!(payment, codes);
        Ok(Receipt::assemble(ReceiptOrder::from(&order), payment.as_ref(), codes))
    }
}

/// A part from the cache. JSON `null` is a part that its writer withdrew: it counts as absent.
fn cached_part<T: DeserializeOwned>(fields: &HashMap<String, String>, field: ReceiptField) -> Option<T> {
    serde_json::from_str::<Option<T>>(fields.get(field.name())?).ok()?
}
