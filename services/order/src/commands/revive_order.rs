//! Staff revive an expired order, on its business day, if its stock can still be reserved.

use contracts::{
    audit::Actor,
    event::OrderRevived,
    ids::OrderId,
    order::{OrderStatus, OrderView, StockCheck},
    time::Timestamp,
};
use db::{Tx, outbox};
use serde_json::json;

use super::{Orders, append_order_act, append_order_changed};
use crate::{
    error::{OrderError, ReservationError},
    model::Order,
    store,
};

impl Orders {
    /// Makes an EXPIRED order PENDING again, with the deadline of a new one. An order that is PENDING is returned
    /// unchanged.
    pub(super) async fn revive_order(&self, actor: Actor, order_id: OrderId) -> Result<OrderView, OrderError> {
        let find = move |tx: &mut Tx<'_>| store::find_order(tx, order_id)?.ok_or(OrderError::UnknownOrder(order_id));
        let order = self.db.point_read(find).await?;
        let header = &order.header;
        let number = header.order_number.clone();
        match header.status {
            OrderStatus::Pending => return Ok(order.into()),
            OrderStatus::Expired => {}
            from => return Err(OrderError::IllegalTransition { from, to: OrderStatus::Pending }),
        }
        if header.late_payment_refused {
            return Err(OrderError::LatePaymentRefunded(number));
        }
        let rules = self.shop.current();
        if rules.business_day(self.clock.now()) != header.business_day {
            return Err(OrderError::EarlierBusinessDay(number));
        }
        let needs = order.stock_needs_of_revival();
        let stock = self.reserve_stock(order_id, &needs).await.map_err(|error| match error {
            ReservationError::OutOfStock(problem) => OrderError::OutOfStock { number, problem },
            ReservationError::OrderIdTaken => OrderError::ChangedConcurrently(number),
            ReservationError::Rejected(problem) => OrderError::StockUnknown(number, problem),
        })?;

        let now = self.clock.now();
        let expires_at = now + rules.unpaid_order_ttl();
        let write = move |tx: &mut Tx<'_>| write_revival(tx, &actor, &order, stock, expires_at, now);
        let revived = self.db.write(write).await;
        if revived.is_err() {
            self.release_stock_unless_written(order_id, needs.order_version).await;
        }
        revived
    }
}

fn write_revival(
    tx: &mut Tx<'_>,
    actor: &Actor,
    order: &Order,
    stock: StockCheck,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<OrderView, OrderError> {
    let (order_id, version) = (order.header.order_id, order.header.version);
    let Some(revived) = store::revive_order(tx, order_id, version, stock, expires_at, now)? else {
        return find_if_revived(tx, order_id);
    };
    let change = (json!({ "status": OrderStatus::Expired }), json!({ "status": OrderStatus::Pending }));
    append_order_act(tx, actor.clone(), "order.revived", &revived.header, change, now)?;
    outbox::append(tx, &OrderRevived(revived.placed_order()), now)?;
    Ok(append_order_changed(tx, revived)?)
}

/// Another request changed the order concurrently. If that request revived it, this one succeeds too.
fn find_if_revived(tx: &mut Tx<'_>, order_id: OrderId) -> Result<OrderView, OrderError> {
    let order = store::find_order(tx, order_id)?.ok_or(OrderError::UnknownOrder(order_id))?;
    match order.header.status {
        OrderStatus::Pending => Ok(order.into()),
        _ if order.header.late_payment_refused => Err(OrderError::LatePaymentRefunded(order.header.order_number)),
        _ => Err(OrderError::ChangedConcurrently(order.header.order_number)),
    }
}
