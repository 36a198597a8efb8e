//! An expired order lives again: by staff, on the day that it was placed, if its stock is still there.

use contracts::{
    event::OrderRevived,
    ids::OrderId,
    order::{OrderStatus, OrderView, StockCheck},
    time::Micros,
};
use db::{Tx, outbox};

use super::{Orders, say_changed};
use crate::{error::OrderError, model, store};

impl Orders {
    /// Makes an EXPIRED order PENDING again, with the time of a new one to pay it.
    pub(super) async fn revive(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        let order = self.find(order_id).await?;
        if order.status != OrderStatus::Expired {
            return Err(OrderError::Illegal { from: order.status, to: OrderStatus::Pending });
        }
        let (shop, now) = (self.shop.current(), self.clock.now());
        if shop.business_day(now) != order.business_day {
            return Err(OrderError::EarlierDay(order.order_number));
        }
        let stock = self.reserve(&order, order.version + 1).await;
        let stock = stock.map_err(|problem| OrderError::OutOfStock { number: order.order_number.clone(), problem })?;

        let expires_at = now + shop.unpaid_order_life();
        self.db.write(move |tx| write_revival(tx, &order, stock, expires_at, now)).await
    }
}

fn write_revival(
    tx: &mut Tx<'_>,
    order: &OrderView,
    stock: StockCheck,
    expires_at: Micros,
    now: Micros,
) -> Result<OrderView, OrderError> {
    let revived = store::revive(tx, order.order_id, order.version, stock, expires_at, now)?;
    let revived = revived.ok_or_else(|| OrderError::ChangedMeanwhile(order.order_number.clone()))?;
    let dispense_ml = store::dispense_ml(tx, revived.order_id)?;
    outbox::append(tx, &OrderRevived(model::placed(&revived, &dispense_ml)), now)?;
    say_changed(tx, &revived)?;
    Ok(revived)
}
