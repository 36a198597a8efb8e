//! Payment's part of the receipt, and the whole of it in the answer to a payment (steps 19 and 20).

use std::{collections::HashMap, time::Duration};

use contracts::{
    ids::OrderId,
    payment::{PaymentStatus, PaymentView},
    receipt::{RECEIPT_TTL, Receipt, ReceiptCodes, ReceiptField, ReceiptOrder, ReceiptPayment, cache_key},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::Answer;
use crate::{Payments, model};

/// How long an answer waits for the codes. A cashier does not notice; a printer would print without them.
const CODES_WAIT_MAX: Duration = Duration::from_millis(500);

impl Payments {
    /// Adds the receipt as it stands now to an answer. Without a cache and with Order away there is none.
    pub(super) async fn with_receipt(&self, answer: Answer) -> PaymentView {
        let Answer { payment, is_replay } = answer;
        // What was answered long ago may have been sent back since: the receipt does not get it again.
        let part = if is_replay { None } else { model::receipt_part(&payment) };
        if part.is_some() {
            self.put_on_receipt(&payment).await;
        }
        let receipt = match self.cached_receipt(&payment, part).await {
            Some(receipt) => Some(receipt),
            None => self.orders_receipt(&payment).await,
        };
        PaymentView { receipt, ..payment }
    }

    /// Step 19. The money's time is the version: of two payments of an order the later one counts.
    pub(super) async fn put_on_receipt(&self, payment: &PaymentView) {
        let Some(part) = model::receipt_part(payment) else { return };
        let key = cache_key(payment.order_id);
        let Ok(value) = serde_json::to_string(&part) else { return };
        let put = self.cache.put_field(&key, ReceiptField::Payment.name(), part.paid_at.0, value, RECEIPT_TTL);
        if let Err(error) = put.await {
            tracing::warn!(order_id = %payment.order_id, %error, "the receipt is put together without the cache");
        }
    }

    /// Takes an order's receipt out of the cache: the money on it has to go back.
    pub(crate) async fn forget_receipt(&self, order_id: OrderId) {
        if let Err(error) = self.cache.remove(&cache_key(order_id)).await {
            tracing::warn!(%order_id, %error, "an old receipt may be shown");
        }
    }

    /// The receipt from the cache. Codes that are behind are waited for, for a bounded moment; then it says
    /// `qrPending`. `None`: the cache does not know the order, or not how it was paid.
    async fn cached_receipt(&self, payment: &PaymentView, part: Option<ReceiptPayment>) -> Option<Receipt> {
        let key = cache_key(payment.order_id);
        let give_up_at = Instant::now() + CODES_WAIT_MAX;
        loop {
            let changed = self.cache.changed(&key);
            let fields = self.cache.get_fields(&key).await.ok()?;
            let order: ReceiptOrder = read_field(&fields, ReceiptField::Order)?;
            let codes: Option<ReceiptCodes> = read_field(&fields, ReceiptField::Codes);
            let part = part.clone().or_else(|| read_field(&fields, ReceiptField::Payment));
            if part.is_none() && payment.status == PaymentStatus::Paid {
                return None;
            }
            let receipt = Receipt::assemble(order, part.as_ref(), codes);
            let is_worth_waiting = part.is_some() && receipt.qr_pending;
            if !is_worth_waiting || timeout_at(give_up_at, changed).await.is_err() {
                return Some(receipt);
            }
        }
    }

    /// Order puts a receipt together from the services. One that is still to be paid has nothing to wait for.
    async fn orders_receipt(&self, payment: &PaymentView) -> Option<Receipt> {
        let order_id = payment.order_id;
        let wait_ms = if payment.status == PaymentStatus::Paid { CODES_WAIT_MAX.as_millis() } else { 0 };
        match self.order.get(&format!("/api/Order/{order_id}/receipt?wait={wait_ms}")).await {
            Ok(receipt) => Some(receipt),
            Err(error) => {
                tracing::warn!(%order_id, %error, "the answer goes without its receipt");
                None
            }
        }
    }
}

fn read_field<T: DeserializeOwned>(fields: &HashMap<String, String>, field: ReceiptField) -> Option<T> {
    serde_json::from_str(fields.get(field.name())?).ok()
}
