//! The changes of an order's status: each one conditional UPDATE, whose two ends come from [`OrderTransition`].

use contracts::{
    ids::OrderId,
    order::{OrderTransition, StockCheck},
    time::Timestamp,
};
use db::{DbResult, Params, Tx};

use super::rows::{order_from_row, with_lines};
use crate::model::{Order, RecordedPayment};

/// Moves an order along a transition that changes nothing but its status. `None`: it is not in `transition.from()`, or
/// does not exist.
pub(crate) fn transition_order(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    transition: OrderTransition,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders SET status = $3, updated_at = $4, version = version + 1
         WHERE order_id = $1 AND status = $2
        RETURNING *";
    updated(tx, SQL, (order_id, transition.from(), transition.to(), now))
}

/// Records the payment of a PENDING order (step 22). `None`: it is not PENDING, or does not exist.
pub(crate) fn pay_order(tx: &mut Tx<'_>, payment: &RecordedPayment, now: Timestamp) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders
           SET status = $3, paid_at = $4, payment_id = $5, payment_method = $6, updated_at = $7, version = version + 1
         WHERE order_id = $1 AND status = $2
        RETURNING *";
    let (from, to) = (OrderTransition::Pay.from(), OrderTransition::Pay.to());
    let params = (payment.order_id, from, to, payment.paid_at, payment.payment_id, payment.method, now);
    updated(tx, SQL, params)
}

/// Records the late payment of an EXPIRED order of this version, whose stock was reserved again for the next one.
/// `None`: it is not that any more, or an earlier late payment is refunded.
pub(crate) fn pay_order_late(
    tx: &mut Tx<'_>,
    payment: &RecordedPayment,
    version: i64,
    stock: StockCheck,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders
           SET status = $4, paid_at = $5, payment_id = $6, payment_method = $7, stock = $8,
               reserved_at_version = version + 1, updated_at = $9, version = version + 1
         WHERE order_id = $1 AND version = $2 AND status = $3 AND late_payment_refused = 0
        RETURNING *";
    let (from, to) = (OrderTransition::PayLate.from(), OrderTransition::PayLate.to());
    let RecordedPayment { order_id, payment_id, method, paid_at } = *payment;
    updated(tx, SQL, (order_id, version, from, to, paid_at, payment_id, method, stock, now))
}

/// Cancels a PENDING order of this version. `None`: it is not that any more.
pub(crate) fn cancel_order(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders SET status = $4, cancel_reason = $5, updated_at = $6, version = version + 1
         WHERE order_id = $1 AND version = $2 AND status = $3
        RETURNING *";
    let (from, to) = (OrderTransition::Cancel.from(), OrderTransition::Cancel.to());
    updated(tx, SQL, (order_id, version, from, to, reason, now))
}

/// Expires a PENDING order of this version whose deadline has passed. `None`: it is not that any more.
pub(crate) fn expire_order(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    version: i64,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders SET status = $4, updated_at = $5, version = version + 1
         WHERE order_id = $1 AND version = $2 AND status = $3 AND expires_at <= $5
        RETURNING *";
    let (from, to) = (OrderTransition::Expire.from(), OrderTransition::Expire.to());
    updated(tx, SQL, (order_id, version, from, to, now))
}

/// Makes an EXPIRED order of this version PENDING again. `None`: it is not that any more, or a late payment of it is
/// refunded.
pub(crate) fn revive_order(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    version: i64,
    stock: StockCheck,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Order>> {
    const SQL: &str = "
        UPDATE orders
           SET status = $4, stock = $5, expires_at = $6, reserved_at_version = version + 1, updated_at = $7,
               version = version + 1
         WHERE order_id = $1 AND version = $2 AND status = $3 AND late_payment_refused = 0
        RETURNING *";
    let (from, to) = (OrderTransition::Revive.from(), OrderTransition::Revive.to());
    updated(tx, SQL, (order_id, version, from, to, stock, expires_at, now))
}

fn updated(tx: &mut Tx<'_>, sql: &'static str, params: impl Params) -> DbResult<Option<Order>> {
    let header = tx.query_opt(sql, params, order_from_row)?;
    header.map(|header| with_lines(tx, header)).transpose()
}
