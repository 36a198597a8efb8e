//! Payment's part of the receipt, and the whole receipt in the answer to a payment (steps 19 and 20).

use std::{collections::HashMap, time::Duration};

use contracts::{
    ids::OrderId,
    payment::{PaymentStatus, PaymentView},
    receipt::{Receipt, ReceiptCodes, ReceiptField, ReceiptOrder, ReceiptPayment, cache_key},
    time::Timestamp,
};
use db::idempotency::Answer;
use errors::chain;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::Payments;
use crate::model;

/// How long an answer waits for the codes. A cashier does not notice; a printer would print without them.
const CODES_WAIT_MAX: Duration = Duration::from_millis(500);

impl Payments {
    /// Adds the current receipt, if the cache or Order has it.
    pub(super) async fn attach_receipt(&self, answer: Answer<PaymentView>) -> PaymentView {
        let (payment, part) = match answer {
            Answer::First(payment) => {
                let part = model::receipt_payment(&payment);
                (payment, part)
            }
            // The money may have been given back since, so its part is not written again.
            Answer::Repeated(payment) => (payment, None),
        };
        if part.is_some() {
            self.put_receipt_payment(&payment).await;
        }
        let receipt = match self.cached_receipt(&payment, part).await {
            Some(receipt) => Some(receipt),
            None => self.fetch_receipt(&payment).await,
        };
        PaymentView { receipt, ..payment }
    }

    /// Step 19. The version is the time of the payment: of two payments of an order the later one counts.
    pub(super) async fn put_receipt_payment(&self, payment: &PaymentView) {
        let Some(part) = model::receipt_payment(payment) else { return };
        let version = part.paid_at.0;
        host::put_receipt_part(&*self.cache, payment.order_id, ReceiptField::Payment, version, &part).await;
    }

    /// Takes Payment's part off the receipt, because the money has to go back. What stays is a tombstone: `null`, with a
    /// version that is newer than that of the part, so that a writer who comes late cannot bring the part back.
    pub(super) async fn delete_receipt_payment(&self, order_id: OrderId, paid_at: Timestamp) {
        let tombstone: Option<ReceiptPayment> = None;
        let version = paid_at.0.saturating_add(1);
        host::put_receipt_part(&*self.cache, order_id, ReceiptField::Payment, version, &tombstone).await;
    }

    /// The receipt from the cache. Waits for missing codes for at most [`CODES_WAIT_MAX`]; then it is `qrPending`.
    /// `None`: the cache lacks the order, or the payment of a paid one.
    async fn cached_receipt(&self, payment: &PaymentView, part: Option<ReceiptPayment>) -> Option<Receipt> {
        let key = cache_key(payment.order_id);
        let deadline = Instant::now() + CODES_WAIT_MAX;
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
            let is_behind = part.is_some() && receipt.qr_pending;
            if !is_behind || timeout_at(deadline, changed).await.is_err() {
                return Some(receipt);
            }
        }
    }

    /// The receipt that Order puts together from the services. An unpaid one has no codes to wait for.
    async fn fetch_receipt(&self, payment: &PaymentView) -> Option<Receipt> {
        let order_id = payment.order_id;
        let wait_ms = if payment.status == PaymentStatus::Paid { CODES_WAIT_MAX.as_millis() } else { 0 };
        match self.order.get(&format!("/internal/Order/{order_id}/receipt?wait={wait_ms}")).await {
            Ok(receipt) => Some(receipt),
            Err(error) => {
                tracing::warn!(%order_id, error = %chain(&error), "payment answered without its receipt");
                None
            }
        }
    }
}

/// A part of the receipt. `None`: it is not in the cache, or was deleted, which leaves `null`.
fn read_field<T: DeserializeOwned>(fields: &HashMap<String, String>, field: ReceiptField) -> Option<T> {
    serde_json::from_str::<Option<T>>(fields.get(field.name())?).ok()?
}
