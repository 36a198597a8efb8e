//! `GET /api/Order/{orderId}/receipt`: from the cache when it is complete, else put together from the services.

use std::time::Duration;

use contracts::{
    ids::OrderId,
    receipt::{Receipt, ReceiptCodes, ReceiptField, ReceiptOrder, ReceiptPayment, cache_key},
};

use super::Orders;
use crate::{error::OrderError, model};

/// The longest that a client may wait for codes: a guest does not stand longer before a printer.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// The first pause between two looks where no change is heard; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Orders {
    /// The receipt as it stands. While its codes are still being issued it waits for them, at most `wait`.
    ///
    /// # Errors
    /// [`OrderError::Unknown`].
    pub(crate) async fn receipt(&self, order_id: OrderId, wait: Duration) -> Result<Receipt, OrderError> {
        let give_up_at = tokio::time::Instant::now() + wait.min(WAIT_MAX);
        let key = cache_key(order_id);
        let mut pause = FIRST_PAUSE;
        loop {
            let changed = self.cache.changed(&key);
            let receipt = match self.cached_receipt(&key).await {
                Some(receipt) => receipt,
                None => self.assembled_receipt(order_id).await?,
            };
            let now = tokio::time::Instant::now();
            if !receipt.qr_pending || now >= give_up_at {
                return Ok(receipt);
            }
            // Looked at again also where nothing is heard: the cache may be away.
            let _heard = tokio::time::timeout(pause.min(give_up_at - now), changed).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The receipt of a paid order, if every writer's part is in the cache.
    async fn cached_receipt(&self, key: &str) -> Option<Receipt> {
        let fields = self.cache.get_fields(key).await.ok()?;
        let field = |field: ReceiptField| fields.get(field.name());
        let order: ReceiptOrder = serde_json::from_str(field(ReceiptField::Order)?).ok()?;
        let payment: ReceiptPayment = serde_json::from_str(field(ReceiptField::Payment)?).ok()?;
        let codes: Option<ReceiptCodes> = field(ReceiptField::Codes).and_then(|part| serde_json::from_str(part).ok());
        let receipt = Receipt::assemble(order, Some(&payment), codes);
        (!receipt.qr_pending).then_some(receipt)
    }

    /// The receipt from the services themselves. With Payment away it says what Order knows, whether, how and when it
    /// was paid; with QR away its codes are pending.
    async fn assembled_receipt(&self, order_id: OrderId) -> Result<Receipt, OrderError> {
        let order = self.find(order_id).await?;
        let has_codes = order.items.iter().any(|item| item.is_dispensable);
        let codes_path = format!("/internal/QrCode/receipt/{order_id}");
        let payment = async {
            self.money_taken(order_id).await.unwrap_or_else(|error| {
                tracing::warn!(%order_id, %error, "a receipt has no sums of its payment");
                None
            })
        };
        let codes = async {
            if !has_codes {
                return None;
            }
            let asked = self.qr.get::<ReceiptCodes>(&codes_path).await;
            asked.inspect_err(|error| tracing::warn!(%order_id, %error, "a receipt has no codes")).ok()
        };
        let (payment, codes) = tokio::join!(payment, codes);
        Ok(Receipt::assemble(model::receipt_part(&order), payment.as_ref(), codes))
    }
}
