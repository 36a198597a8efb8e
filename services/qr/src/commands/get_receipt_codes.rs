//! `GET /internal/QrCode/receipt/{orderId}`: QR's part of a receipt that the cache lost.

use contracts::{ids::OrderId, receipt::ReceiptCodes};
use db::DbError;

use super::{
    Codes,
    effects::{Effects, ReceiptPart},
};
use crate::error::QrError;

impl Codes {
    /// Reads QR's part of an order's receipt and caches it again.
    pub(crate) async fn get_receipt_codes(&self, order_id: OrderId) -> Result<ReceiptCodes, QrError> {
        let part = self.db.read::<_, DbError, _>(move |tx| ReceiptPart::find(tx, order_id)).await?;
        let Some(part) = part else { return Ok(ReceiptCodes::default()) };
        let codes = part.codes.clone();
        self.apply_effects(Effects::receipt(part)).await;
        Ok(codes)
    }
}
