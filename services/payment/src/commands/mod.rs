//! What payments can be asked to do, a file for each use case.

mod ask;
mod confirm;
mod pay;
mod pay_by_qris;
mod read;
mod receipt;
mod settle;
mod watch;

use contracts::payment::PaymentView;
use db::idempotency::{self, RequestKey};

use crate::{Payments, error::PaymentError, model::Payment};

pub(crate) use settle::close_order;

impl Payments {
    /// Answers `payment` as it stands, and keeps the answer for when the request is sent again.
    async fn answer(&self, key: Option<RequestKey>, payment: Payment) -> Result<PaymentView, PaymentError> {
        let now = self.clock.now();
        if key.is_none() {
            return Ok(payment.view());
        }
        let write = move |tx: &mut db::Tx<'_>| {
            if let Some(earlier) = idempotency::replay(tx, key.as_ref())? {
                return Ok(earlier);
            }
            let view = payment.view();
            idempotency::remember(tx, key.as_ref(), &view, now)?;
            Ok(view)
        };
        self.db.write(write).await
    }
}
