//! QR's part of the receipt (step 12): a field of its own in the cache, put there after the commit.
//!
//! Losing it costs time, not truth: Order asks for it at `/internal/QrCode/receipt/{orderId}` when it is not there.

use contracts::{
    ids::OrderId,
    receipt::{RECEIPT_TTL, ReceiptCodes, ReceiptField, cache_key},
};
use db::{DbError, DbResult, Tx};

use super::Codes;
use crate::{
    error::QrError,
    model::{self, Code},
    store::{self, Standing},
};

/// What an order's receipt says of its codes, at a version of the order's codes.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptPart {
    order_id: OrderId,
    version: i64,
    codes: ReceiptCodes,
}

impl ReceiptPart {
    /// The part that these codes make: all of the order.
    pub(crate) fn of(order_id: OrderId, order: &Standing, all: Vec<Code>) -> Self {
        let codes = model::on_receipt(all).iter().map(Code::view).collect();
        let is_paid = order.paid_at.is_some();
        Self { order_id, version: order.receipt_version, codes: ReceiptCodes { is_paid, codes } }
    }

    /// The part as the rows make it.
    pub(crate) fn read(tx: &mut Tx<'_>, order_id: OrderId, order: &Standing) -> DbResult<Self> {
        Ok(Self::of(order_id, order, store::of_order(tx, order_id)?))
    }

    /// The part as it is, of an order that may be unknown: for a request that is repeated, because the program may have
    /// died before the cache had what the first one changed.
    pub(crate) fn as_it_is(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<Self>> {
        let Some(order) = store::find_order(tx, order_id)? else { return Ok(None) };
        Self::read(tx, order_id, &order).map(Some)
    }

    /// The part after a change of these living codes. When they are as many as the order has cups, they are all of it,
    /// and no row is read.
    pub(crate) fn after(tx: &mut Tx<'_>, order_id: OrderId, order: &Standing, changed: Vec<Code>) -> DbResult<Self> {
        let are_all = changed.first().is_some_and(|code| code.cup.cup_count as usize == changed.len());
        if are_all { Ok(Self::of(order_id, order, changed)) } else { Self::read(tx, order_id, order) }
    }
}

impl Codes {
    /// Writes, then shows what that changed of receipts, to the end: also where whoever asked has gone meanwhile. Else
    /// a receipt would show for hours a code that no machine takes.
    ///
    /// # Errors
    /// The change's own; [`DbError::Unavailable`] where it is not known whether it was kept.
    pub(crate) async fn write_and_show<T, P, F>(&self, change: F) -> Result<T, QrError>
    where
        T: Send + 'static,
        P: IntoIterator<Item = ReceiptPart, IntoIter: Send> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<(T, P), QrError> + Send + 'static,
    {
        let codes = self.clone();
        let task = tokio::spawn(async move {
            let (answer, parts) = codes.db.write(change).await?;
            codes.show(parts).await;
            Ok(answer)
        });
        task.await.unwrap_or_else(|lost| Err(DbError::Unavailable(lost.to_string()).into()))
    }

    /// Puts parts where receipts are read. A cache that is away is logged and left.
    pub(crate) async fn show(&self, parts: impl IntoIterator<Item = ReceiptPart>) {
        for ReceiptPart { order_id, version, codes } in parts {
            if let Err(error) = self.show_one(order_id, version, &codes).await {
                tracing::warn!(%order_id, %error, "the receipt's codes are not in the cache");
            }
        }
    }

    async fn show_one(&self, order_id: OrderId, version: i64, codes: &ReceiptCodes) -> Result<(), String> {
        let json = serde_json::to_string(codes).map_err(|error| error.to_string())?;
        let field = ReceiptField::Codes.name();
        let put = self.cache.put_field(&cache_key(order_id), field, version, json, RECEIPT_TTL).await;
        put.map_err(|error| error.to_string())
    }

    /// What the receipt of an order says of its codes, from the rows; the cache has it from then on.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) async fn receipt_codes(&self, order_id: OrderId) -> Result<ReceiptCodes, QrError> {
        let part = self.db.read::<_, DbError, _>(move |tx| ReceiptPart::as_it_is(tx, order_id)).await?;
        let codes = part.as_ref().map(|part| part.codes.clone()).unwrap_or_default();
        self.show(part).await;
        Ok(codes)
    }
}
