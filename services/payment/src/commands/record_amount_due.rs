//! OrderCreated: records what the order costs, so that it can be paid while Order is unavailable.

use contracts::event::PlacedOrder;
use db::{
    Tx,
    inbox::{self, Delivery},
};

use super::Payments;
use crate::{error::PaymentError, model::OrderSnapshot, store};

impl Payments {
    /// Records what a new order costs.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %placed.order_id))]
    pub(crate) async fn record_amount_due(&self, delivery: Delivery, placed: PlacedOrder) -> Result<(), PaymentError> {
        let (order, now) = (OrderSnapshot::from_placed_order(&placed)?, self.clock.now());
        let record = move |tx: &mut Tx<'_>| inbox::once(tx, delivery, now, |tx| store::upsert_amount_due(tx, &order));
        self.db.write_deferred(record).await?;
        Ok(())
    }
}
