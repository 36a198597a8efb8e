//! An expired order lives again: by staff, on the day that it was placed, if its stock is still there.

use contracts::{
    event::OrderRevived,
    ids::OrderId,
    order::{OrderStatus, OrderView, StockCheck},
    time::Timestamp,
};
use db::{Tx, outbox};

use super::{Orders, say_changed};
use crate::{
    error::{NotHeld, OrderError},
    model, store,
};

impl Orders {
    /// Makes an EXPIRED order PENDING again, with the time of a new one to pay it. One that is PENDING is answered as it
    /// is.
    pub(super) async fn revive(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        let (order, is_orphaned) = self.db.point_read(move |tx| find_with_fate(tx, order_id)).await?;
        if order.status == OrderStatus::Pending {
            return Ok(order);
        }
        if order.status != OrderStatus::Expired {
            return Err(OrderError::Illegal { from: order.status, to: OrderStatus::Pending });
        }
        if is_orphaned {
            return Err(OrderError::MoneyGoesBack(order.order_number));
        }
        let shop = self.shop.current();
        if shop.business_day(self.clock.now()) != order.business_day {
            return Err(OrderError::EarlierDay(order.order_number));
        }
        let stock = match self.reserve(&order, order.version + 1).await {
            Ok(stock) => stock,
            Err(NotHeld::OutOfStock(problem)) => {
                return Err(OrderError::OutOfStock { number: order.order_number, problem });
            }
            Err(NotHeld::IdTaken) => return Err(OrderError::ChangedMeanwhile(order.order_number)),
            Err(NotHeld::Fault(problem)) => return Err(OrderError::StockUnknown(order.order_number, problem)),
        };

        let now = self.clock.now();
        let expires_at = now + shop.unpaid_order_ttl();
        let version = order.version + 1;
        let revived = self.db.write(move |tx| write_revival(tx, &order, stock, expires_at, now)).await;
        if revived.is_err() {
            self.release_unless_placed(order_id, version).await;
        }
        revived
    }
}

/// The order, and whether its late money goes back.
fn find_with_fate(tx: &mut Tx<'_>, order_id: OrderId) -> Result<(OrderView, bool), OrderError> {
    let order = store::find(tx, order_id)?.ok_or(OrderError::Unknown(order_id))?;
    Ok((order, store::is_orphaned(tx, order_id)?))
}

fn write_revival(
    tx: &mut Tx<'_>,
    order: &OrderView,
    stock: StockCheck,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<OrderView, OrderError> {
    let revived = store::revive(tx, order.order_id, order.version, stock, expires_at, now)?;
    let Some(revived) = revived else { return revived_by_another(tx, order) };
    let dispense_ml = store::dispense_ml(tx, revived.order_id)?;
    outbox::append(tx, &OrderRevived(model::placed(&revived, &dispense_ml)), now)?;
    say_changed(tx, &revived)?;
    Ok(revived)
}

/// The order was changed meanwhile: a colleague who revived it did what was asked for.
fn revived_by_another(tx: &mut Tx<'_>, seen: &OrderView) -> Result<OrderView, OrderError> {
    let (order, is_orphaned) = find_with_fate(tx, seen.order_id)?;
    match order.status {
        OrderStatus::Pending => Ok(order),
        _ if is_orphaned => Err(OrderError::MoneyGoesBack(order.order_number)),
        _ => Err(OrderError::ChangedMeanwhile(order.order_number)),
    }
}
