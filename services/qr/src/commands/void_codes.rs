//! OrderCancelled, OrderExpired, OrderCompleted: the order's codes become VOID.

use contracts::ids::OrderId;
use db::inbox::Delivery;

use super::{
    Codes, append_codes_issued,
    effects::{Effects, ReceiptPart},
};
use crate::{error::QrError, store};

/// An order that was cancelled, expired or completed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedOrder {
    pub(crate) order_id: OrderId,
    pub(crate) order_version: i64,
    /// How many of its units a device pours.
    pub(crate) cups: u32,
}

impl Codes {
    /// Voids the codes of a closed order. A device that holds a lease may finish its pour, and a cup in review still
    /// waits for staff. An order without cups leaves no row.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %order.order_id))]
    pub(crate) async fn void_codes(&self, delivery: Delivery, order: ClosedOrder) -> Result<(), QrError> {
        let ClosedOrder { order_id, order_version, cups } = order;
        if cups == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        self.consume_once(delivery, order_id, move |tx| {
            let Some(order) = store::record_closed(tx, order_id, order_version)? else {
                return Ok(Effects::default());
            };
            let mut codes = store::void_codes(tx, order_id, now)?;
            if codes.is_empty() {
                return Ok(Effects::default());
            }
            codes.sort_by_key(|code| code.cup.cup_number);
            append_codes_issued(tx, order_id, &codes, now)?;
            Ok(Effects::receipt(ReceiptPart::read(tx, order_id, &order)?))
        })
        .await
    }
}
