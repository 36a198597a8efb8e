//! Rows of `amounts_due`: what each order costs, whether it can be paid, and which payment paid it.

use std::time::Duration;

use contracts::{
    ids::{OrderId, PaymentId},
    money::{Currency, Money},
    payment::{CLOSE_CLOCK_TOLERANCE_SECONDS, CLOSE_SECONDS},
    time::Timestamp,
};
use db::{DbResult, Row, Tx};

use crate::model::{AmountDueRow, Closing, OrderSnapshot};

/// Records an open order as of its version, and returns the row. An older version adds only what was unknown.
pub(crate) fn upsert_amount_due(tx: &mut Tx<'_>, order: &OrderSnapshot) -> DbResult<AmountDueRow> {
    const SQL: &str = "
        INSERT INTO amounts_due (order_id, order_version, open, order_number, total, currency, cups, device_id)
        VALUES ($1, $2, 1, $3, $4, $5, $6, $7)
        ON CONFLICT (order_id) DO UPDATE SET
            open = CASE WHEN excluded.order_version > amounts_due.order_version THEN 1 ELSE amounts_due.open END,
            order_version = CASE WHEN excluded.order_version > amounts_due.order_version
                                 THEN excluded.order_version ELSE amounts_due.order_version END,
            order_number = COALESCE(amounts_due.order_number, excluded.order_number),
            total = COALESCE(amounts_due.total, excluded.total),
            currency = COALESCE(amounts_due.currency, excluded.currency),
            cups = COALESCE(amounts_due.cups, excluded.cups),
            device_id = COALESCE(amounts_due.device_id, excluded.device_id)
        RETURNING *";
    let Money { minor, currency } = order.total;
    let (order_id, version, number) = (order.order_id, order.order_version, order.order_number.as_str());
    let params = (order_id, version, number, minor, currency, order.cups, order.device_id);
    tx.query_one(SQL, params, amount_due_from_row)
}

/// Makes a new payment the one that pays an order, and records the order as of its version. `false`: the order is paid,
/// closed or being closed, and nothing was written.
///
/// The last three lines are [`AmountDueRow::is_closing`]: no closing of this version or a newer one is under way.
pub(crate) fn claim_order(
    tx: &mut Tx<'_>,
    order: &OrderSnapshot,
    payment_id: PaymentId,
    now: Timestamp,
) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO amounts_due (order_id, order_version, open, order_number, total, currency, cups, paid_payment_id,
                                 device_id)
        VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $10)
        ON CONFLICT (order_id) DO UPDATE SET
            open = 1,
            order_version = CASE WHEN excluded.order_version > amounts_due.order_version
                                 THEN excluded.order_version ELSE amounts_due.order_version END,
            order_number = COALESCE(amounts_due.order_number, excluded.order_number),
            total = COALESCE(amounts_due.total, excluded.total),
            currency = COALESCE(amounts_due.currency, excluded.currency),
            cups = COALESCE(amounts_due.cups, excluded.cups),
            device_id = COALESCE(amounts_due.device_id, excluded.device_id),
            paid_payment_id = excluded.paid_payment_id
         WHERE amounts_due.paid_payment_id IS NULL
           AND (amounts_due.open = 1 OR excluded.order_version > amounts_due.order_version)
           AND (amounts_due.closing_version IS NULL
                OR amounts_due.closing_version < amounts_due.order_version
                OR amounts_due.closing_version < excluded.order_version
                OR amounts_due.closing_until <= $8 OR amounts_due.closing_until > $9)";
    let Money { minor, currency } = order.total;
    let params = (
        order.order_id,
        order.order_version,
        order.order_number.as_str(),
        minor,
        currency,
        order.cups,
        payment_id,
        now,
        now + Duration::from_secs(CLOSE_SECONDS + CLOSE_CLOCK_TOLERANCE_SECONDS),
        order.device_id,
    );
    Ok(tx.execute(SQL, params)? > 0)
}

/// The order that a QR payment has claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// How many cups of it machines pour.
    pub(crate) cups: u32,
}

/// Makes a QR payment whose money arrived the one that pays its order, even if the order is closed. `None`: another
/// payment paid the order, or this one no longer awaits money.
pub(crate) fn claim_order_for_qr(tx: &mut Tx<'_>, order_id: OrderId, payment_id: PaymentId) -> DbResult<Option<Claim>> {
    const SQL: &str = "
        UPDATE amounts_due SET paid_payment_id = $2
         WHERE order_id = $1 AND paid_payment_id IS NULL
           AND EXISTS (SELECT 1 FROM payments WHERE payment_id = $2 AND status IN ('PENDING', 'EXPIRED'))
        RETURNING cups";
    tx.query_opt(SQL, (order_id, payment_id), |row| Ok(Claim { cups: row.get("cups")? }))
}

/// Makes an order unpaid again, if `payment_id` paid it.
pub(crate) fn release_claim(tx: &mut Tx<'_>, order_id: OrderId, payment_id: PaymentId) -> DbResult<()> {
    const SQL: &str = "
        UPDATE amounts_due SET paid_payment_id = NULL WHERE order_id = $1 AND paid_payment_id = $2";
    tx.execute(SQL, (order_id, payment_id)).map(|_| ())
}

/// Records that Order is about to close an order, which will then have the version `closing_version`. `false`: a payment
/// has paid it, and nothing was written.
pub(crate) fn begin_closing(
    tx: &mut Tx<'_>,
    order_id: OrderId,
    closing_version: i64,
    closing_until: Timestamp,
) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO amounts_due (order_id, order_version, open, closing_version, closing_until)
        VALUES ($1, 1, 1, $2, $3)
        ON CONFLICT (order_id) DO UPDATE SET closing_version = excluded.closing_version,
                                             closing_until = excluded.closing_until
         WHERE amounts_due.paid_payment_id IS NULL";
    Ok(tx.execute(SQL, (order_id, closing_version, closing_until))? > 0)
}

/// Closes an order. `false`: a newer version of it is known.
pub(crate) fn close_order(tx: &mut Tx<'_>, order_id: OrderId, order_version: i64) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO amounts_due (order_id, order_version, open) VALUES ($1, $2, 0)
        ON CONFLICT (order_id) DO UPDATE SET open = 0, order_version = excluded.order_version
         WHERE excluded.order_version > amounts_due.order_version";
    Ok(tx.execute(SQL, (order_id, order_version))? > 0)
}

/// Opens an order again. `false`: this version of it is known, because a payment fetched it from Order.
pub(crate) fn reopen_order(tx: &mut Tx<'_>, order_id: OrderId, order_version: i64) -> DbResult<bool> {
    const SQL: &str = "UPDATE amounts_due SET open = 1, order_version = $2 WHERE order_id = $1 AND order_version < $2";
    Ok(tx.execute(SQL, (order_id, order_version))? > 0)
}

/// What is known of an order.
pub(crate) fn find_amount_due(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<AmountDueRow>> {
    const SQL: &str = "SELECT * FROM amounts_due WHERE order_id = $1";
    tx.query_opt(SQL, (order_id,), amount_due_from_row)
}

/// Every order's row.
#[cfg(test)]
pub(crate) fn list_amounts_due(tx: &mut Tx<'_>) -> DbResult<Vec<AmountDueRow>> {
    const SQL: &str = "SELECT * FROM amounts_due ORDER BY order_id";
    tx.query(SQL, (), amount_due_from_row)
}

fn amount_due_from_row(row: &Row<'_>) -> DbResult<AmountDueRow> {
    let (total, currency): (Option<i64>, Option<Currency>) = (row.get("total")?, row.get("currency")?);
    Ok(AmountDueRow {
        order_id: row.get("order_id")?,
        order_version: row.get("order_version")?,
        is_open: row.get("open")?,
        order_number: row.get("order_number")?,
        total: total.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
        cups: row.get("cups")?,
        device_id: row.get("device_id")?,
        paid_payment_id: row.get("paid_payment_id")?,
        closing: closing_from_row(row)?,
    })
}

fn closing_from_row(row: &Row<'_>) -> DbResult<Option<Closing>> {
    let (version, until): (Option<i64>, Option<Timestamp>) = (row.get("closing_version")?, row.get("closing_until")?);
    Ok(version.zip(until).map(|(order_version, until)| Closing { order_version, until }))
}
