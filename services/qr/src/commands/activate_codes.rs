//! PaymentCompleted: the order's codes become valid (step 19).

use contracts::event::PaymentCompleted;
use db::inbox::Delivery;

use super::{
    Codes, append_codes_issued,
    effects::{Effects, ReceiptPart},
};
use crate::{error::QrError, store};

impl Codes {
    /// Activates the order's codes. If the order is not known yet, only the payment is recorded; if it has no cups,
    /// nothing is.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %payment.order_id))]
    pub(crate) async fn activate_codes(&self, delivery: Delivery, payment: PaymentCompleted) -> Result<(), QrError> {
        if payment.cups == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        // From now and not from `paid_at`, which another clock may have written.
        let expires_at = now + self.shop.current().code_validity();
        let PaymentCompleted { order_id, paid_at, .. } = payment;
        self.consume_once(delivery, order_id, move |tx| {
            let Some(order) = store::record_paid(tx, order_id, paid_at)? else { return Ok(Effects::default()) };
            if !order.is_open {
                return Ok(Effects::default());
            }
            let mut codes = store::activate_codes(tx, order_id, expires_at, now)?;
            codes.sort_by_key(|code| code.cup.cup_number);
            append_codes_issued(tx, order_id, &codes, now)?;
            // If every cup has one of these codes, no other row needs to be read.
            let are_all = codes.first().is_some_and(|code| code.cup.cup_count as usize == codes.len());
            let part = match are_all {
                true => ReceiptPart::of(order_id, &order, codes),
                false => ReceiptPart::read(tx, order_id, &order)?,
            };
            Ok(Effects::receipt(part))
        })
        .await
    }
}
