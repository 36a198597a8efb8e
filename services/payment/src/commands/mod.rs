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
use db::idempotency::{self, IdempotencyKey};

use crate::{Payments, error::PaymentError, model::Payment};

pub(crate) use settle::close_order;

/// What a request is answered.
struct Answer {
    payment: PaymentView,
    /// Whether it was answered so before: the payment may have changed since, and its part of the receipt with it.
    is_replay: bool,
}

impl Answer {
    fn new(payment: PaymentView) -> Self {
        Self { payment, is_replay: false }
    }

    fn replay(payment: PaymentView) -> Self {
        Self { payment, is_replay: true }
    }
}

impl Payments {
    /// Answers `payment` as it stands, and keeps the answer for when the request is sent again.
    async fn answer(&self, key: Option<IdempotencyKey>, payment: Payment) -> Result<Answer, PaymentError> {
        let now = self.clock.now();
        if key.is_none() {
            return Ok(Answer::new(payment.view()));
        }
        let write = move |tx: &mut db::Tx<'_>| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok(Answer::replay(earlier));
            }
            let view = payment.view();
            idempotency::save_response(tx, key.as_ref(), &view, now)?;
            Ok(Answer::new(view))
        };
        self.db.write(write).await
    }
}
