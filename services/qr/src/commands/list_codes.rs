//! `GET /api/QrCode/order/{orderId}`: the codes of an order.

use contracts::{ids::OrderId, qr::CodeView};
use db::DbError;

use super::Codes;
use crate::{
    error::QrError,
    model::{self, Code},
    store,
};

impl Codes {
    /// Every code of an order, VOID ones last. None if no device pours any of it.
    pub(crate) async fn list_codes(&self, order_id: OrderId) -> Result<Vec<CodeView>, QrError> {
        let codes = self.db.read::<_, DbError, _>(move |tx| store::list_codes(tx, order_id)).await?;
        Ok(model::void_last(codes).iter().map(Code::view).collect())
    }
}
