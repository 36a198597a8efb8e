//! code_orders: what events said of an order.

use contracts::{ids::OrderId, time::Timestamp};
use db::{DbResult, Row, Tx};

/// What events said of an order so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Of the newest order event heard; 0 where only its payment was.
    pub(crate) order_version: i64,
    /// Whether it may have codes that live.
    pub(crate) is_open: bool,
    pub(crate) paid_at: Option<Timestamp>,
    /// Of the part of the receipt that its codes make now.
    pub(crate) receipt_version: i64,
}

impl Standing {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        Ok(Self {
            order_version: row.get("order_version")?,
            is_open: row.get("is_open")?,
            paid_at: row.get("paid_at")?,
            receipt_version: row.get("receipt_version")?,
        })
    }
}

/// Notes that the order was placed or revived. `None`: a newer event of it was heard before.
pub(crate) fn open(tx: &mut Tx<'_>, order: OrderId, order_version: i64) -> DbResult<Option<Standing>> {
    note(tx, order, order_version, true)
}

/// Notes that the order is over: given up or completed. `None`: a newer event of it was heard before.
pub(crate) fn close(tx: &mut Tx<'_>, order: OrderId, order_version: i64) -> DbResult<Option<Standing>> {
    note(tx, order, order_version, false)
}

fn note(tx: &mut Tx<'_>, order: OrderId, order_version: i64, is_open: bool) -> DbResult<Option<Standing>> {
    const SQL: &str = "
        INSERT INTO code_orders (order_id, order_version, is_open, paid_at, receipt_version)
        VALUES ($1, $2, $3, NULL, 1)
        ON CONFLICT (order_id) DO UPDATE
           SET order_version = excluded.order_version, is_open = excluded.is_open,
               receipt_version = code_orders.receipt_version + 1
         WHERE code_orders.order_version < excluded.order_version
        RETURNING order_version, is_open, paid_at, receipt_version";
    tx.query_opt(SQL, (order, order_version, is_open), Standing::from_row)
}

/// Notes that the order is paid. `None`: it was before.
pub(crate) fn pay(tx: &mut Tx<'_>, order: OrderId, paid_at: Timestamp) -> DbResult<Option<Standing>> {
    const SQL: &str = "
        INSERT INTO code_orders (order_id, order_version, is_open, paid_at, receipt_version)
        VALUES ($1, 0, 0, $2, 1)
        ON CONFLICT (order_id) DO UPDATE
           SET paid_at = excluded.paid_at, receipt_version = code_orders.receipt_version + 1
         WHERE code_orders.paid_at IS NULL
        RETURNING order_version, is_open, paid_at, receipt_version";
    tx.query_opt(SQL, (order, paid_at), Standing::from_row)
}

/// Makes other changes of the order's codes wait for this one. `None`: nothing was heard of the order.
pub(crate) fn lock(tx: &mut Tx<'_>, order: OrderId) -> DbResult<Option<Standing>> {
    const SQL: &str = "
        UPDATE code_orders SET receipt_version = receipt_version + 1
         WHERE order_id = $1
        RETURNING order_version, is_open, paid_at, receipt_version";
    tx.query_opt(SQL, (order,), Standing::from_row)
}

/// What is known of the order. `None`: nothing was heard of it.
pub(crate) fn find(tx: &mut Tx<'_>, order: OrderId) -> DbResult<Option<Standing>> {
    const SQL: &str = "SELECT order_version, is_open, paid_at, receipt_version FROM code_orders WHERE order_id = $1";
    tx.query_opt(SQL, (order,), Standing::from_row)
}
