//! code_orders: the state of an order as its events and its payment's event published it.

use contracts::{ids::OrderId, time::Timestamp};
use db::{DbResult, Row, Tx};

/// What is known of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderState {
    /// The version of the newest order event; 0 if only the payment is known.
    pub(crate) order_version: i64,
    /// Whether its codes may be valid.
    pub(crate) is_open: bool,
    pub(crate) paid_at: Option<Timestamp>,
    /// The version of QR's part of the receipt.
    pub(crate) receipt_version: i64,
}

impl OrderState {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        Ok(Self {
            order_version: row.get("order_version")?,
            is_open: row.get("is_open")?,
            paid_at: row.get("paid_at")?,
            receipt_version: row.get("receipt_version")?,
        })
    }
}

/// Records that the order was placed or revived. `None`: a newer event of it is recorded.
pub(crate) fn record_open(tx: &mut Tx<'_>, order: OrderId, order_version: i64) -> DbResult<Option<OrderState>> {
    record(tx, order, order_version, true)
}

/// Records that the order was cancelled, expired or completed. `None`: a newer event of it is recorded.
pub(crate) fn record_closed(tx: &mut Tx<'_>, order: OrderId, order_version: i64) -> DbResult<Option<OrderState>> {
    record(tx, order, order_version, false)
}

fn record(tx: &mut Tx<'_>, order: OrderId, order_version: i64, is_open: bool) -> DbResult<Option<OrderState>> {
    const SQL: &str = "
        INSERT INTO code_orders (order_id, order_version, is_open, paid_at, receipt_version)
        VALUES ($1, $2, $3, NULL, 1)
        ON CONFLICT (order_id) DO UPDATE
           SET order_version = excluded.order_version, is_open = excluded.is_open,
               receipt_version = code_orders.receipt_version + 1
         WHERE code_orders.order_version < excluded.order_version
        RETURNING order_version, is_open, paid_at, receipt_version";
    tx.query_opt(SQL, (order, order_version, is_open), OrderState::from_row)
}

/// Records that the order is paid. `None`: it is recorded already.
pub(crate) fn record_paid(tx: &mut Tx<'_>, order: OrderId, paid_at: Timestamp) -> DbResult<Option<OrderState>> {
    const SQL: &str = "
        INSERT INTO code_orders (order_id, order_version, is_open, paid_at, receipt_version)
        VALUES ($1, 0, 0, $2, 1)
        ON CONFLICT (order_id) DO UPDATE
           SET paid_at = excluded.paid_at, receipt_version = code_orders.receipt_version + 1
         WHERE code_orders.paid_at IS NULL
        RETURNING order_version, is_open, paid_at, receipt_version";
    tx.query_opt(SQL, (order, paid_at), OrderState::from_row)
}

/// Locks the order until the transaction ends: one transaction at a time changes its codes. `None`: it is unknown.
pub(crate) fn lock_order(tx: &mut Tx<'_>, order: OrderId) -> DbResult<Option<OrderState>> {
    const SQL: &str = "
        UPDATE code_orders SET receipt_version = receipt_version + 1
         WHERE order_id = $1
        RETURNING order_version, is_open, paid_at, receipt_version";
    tx.query_opt(SQL, (order,), OrderState::from_row)
}

/// What is known of the order. `None`: nothing.
pub(crate) fn find_order(tx: &mut Tx<'_>, order: OrderId) -> DbResult<Option<OrderState>> {
    const SQL: &str = "SELECT order_version, is_open, paid_at, receipt_version FROM code_orders WHERE order_id = $1";
    tx.query_opt(SQL, (order,), OrderState::from_row)
}
