//! Rows of `payments`. Each UPDATE is one transition of contracts' table, by its own condition.

use contracts::{
    audit::Actor,
    ids::{DeviceId, OrderId, PaymentId},
    money::{Currency, Money},
    payment::{PaymentMethod, PaymentStatus},
    time::Timestamp,
};
use db::{DbError, DbResult, Row, Tx, Value};

use crate::model::{POLL_INTERVAL_MAX, Payment, QrCharge};

/// Writes a new payment. `false`: the order has a payment of its status already, and may have only one.
pub(crate) fn insert_payment(tx: &mut Tx<'_>, payment: &Payment) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO payments (payment_id, order_id, method, status, currency, amount, rounding, due, tendered, change,
                              qris_payload, qris_expires_at, gateway, gateway_reference, is_test,
                              created_at, paid_at, next_poll_at, version, updated_at, taken_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
        ON CONFLICT DO NOTHING";
    let minor = |money: Option<Money>| money.map(|money| money.minor);
    let qr = payment.qr.as_ref();
    let params = (
        payment.payment_id,
        payment.order_id,
        payment.method,
        payment.status,
        payment.amount.currency,
        payment.amount.minor,
        payment.rounding.minor,
        payment.due.minor,
        minor(payment.tendered),
        minor(payment.change),
        qr.map(|qr| qr.payload.as_str()),
        qr.map(|qr| qr.expires_at),
        qr.map(|qr| qr.gateway.as_str()),
        qr.map(|qr| qr.gateway_reference.as_str()),
        payment.is_test,
        payment.created_at,
        payment.paid_at,
        payment.next_poll_at,
        payment.version,
        payment.updated_at,
        db::json(&payment.taken_by)?,
    );
    Ok(tx.execute(SQL, params)? == 1)
}

/// PENDING or EXPIRED to PAID: the money of a QR payment arrived. `None`: it was in neither.
pub(crate) fn mark_paid(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    paid_at: Timestamp,
    reference: Option<&str>,
    confirmed_by: Option<&Actor>,
    now: Timestamp,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        UPDATE payments SET status = 'PAID', paid_at = $2, reference = $3, next_poll_at = NULL,
                            updated_at = $4, confirmed_by = $5, version = version + 1
         WHERE payment_id = $1 AND status IN ('PENDING', 'EXPIRED')
        RETURNING *";
    let confirmed_by = confirmed_by.map(db::json).transpose()?;
    tx.query_opt(SQL, (payment_id, paid_at, reference, now, confirmed_by), payment_from_row)
}

/// PENDING or EXPIRED to REFUND_DUE: the money of a QR payment arrived, and its order is paid by another. `None`: it
/// was in neither.
pub(crate) fn mark_surplus_money(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    refund_reason: &str,
    paid_at: Timestamp,
    reference: Option<&str>,
    confirmed_by: Option<&Actor>,
    now: Timestamp,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        UPDATE payments SET status = 'REFUND_DUE', refund_reason = $2, paid_at = $3, reference = $4,
                            next_poll_at = NULL, updated_at = $5, confirmed_by = $6, version = version + 1
         WHERE payment_id = $1 AND status IN ('PENDING', 'EXPIRED')
        RETURNING *";
    let confirmed_by = confirmed_by.map(db::json).transpose()?;
    tx.query_opt(SQL, (payment_id, refund_reason, paid_at, reference, now, confirmed_by), payment_from_row)
}

/// PAID to REFUND_DUE: the order does not take the money. `None`: it was not PAID.
pub(crate) fn mark_refund_due(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    refund_reason: &str,
    now: Timestamp,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        UPDATE payments SET status = 'REFUND_DUE', refund_reason = $2, updated_at = $3, version = version + 1
         WHERE payment_id = $1 AND status = 'PAID'
        RETURNING *";
    tx.query_opt(SQL, (payment_id, refund_reason, now), payment_from_row)
}

/// PENDING to EXPIRED: its QR code is no longer shown. It can still be paid, so it is polled at `next_poll_at`; `None`:
/// not polled again. `false`: it was not PENDING.
pub(crate) fn expire_payment(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    next_poll_at: Option<Timestamp>,
    now: Timestamp,
) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE payments SET status = 'EXPIRED', next_poll_at = $2, updated_at = $3, version = version + 1
         WHERE payment_id = $1 AND status = 'PENDING'";
    Ok(tx.execute(SQL, (payment_id, next_poll_at, now))? > 0)
}

/// PENDING to EXPIRED, for the QR payment of an order, if it has one. It can still be paid, so it is polled at once.
pub(crate) fn expire_pending_of_order(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        UPDATE payments SET status = 'EXPIRED', next_poll_at = $2, updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status = 'PENDING'";
    tx.execute(SQL, (order_id, now)).map(|_| ())
}

/// EXPIRED to PENDING: its QR code is shown again. `None`: it was not EXPIRED.
pub(crate) fn reopen_payment(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    next_poll_at: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        UPDATE payments SET status = 'PENDING', next_poll_at = $2, updated_at = $3, version = version + 1
         WHERE payment_id = $1 AND status = 'EXPIRED'
        RETURNING *";
    tx.query_opt(SQL, (payment_id, next_poll_at, now), payment_from_row)
}

/// PENDING to FAILED: the gateway refused it for good. `false`: it was not PENDING.
pub(crate) fn fail_payment(tx: &mut Tx<'_>, payment_id: PaymentId, now: Timestamp) -> DbResult<bool> {
    const SQL: &str = "
        UPDATE payments SET status = 'FAILED', next_poll_at = NULL, updated_at = $2, version = version + 1
         WHERE payment_id = $1 AND status = 'PENDING'";
    Ok(tx.execute(SQL, (payment_id, now))? > 0)
}

/// Sets when the gateway is polled next; `None`: not again. Clients see no difference, so the version stays.
pub(crate) fn schedule_poll(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    status: PaymentStatus,
    next_poll_at: Option<Timestamp>,
) -> DbResult<()> {
    const SQL: &str = "UPDATE payments SET next_poll_at = $3 WHERE payment_id = $1 AND status = $2";
    tx.execute(SQL, (payment_id, status, next_poll_at)).map(|_| ())
}

/// The payments to poll the gateway about at `now`, those that have waited longest first. A poll further ahead than any
/// that is scheduled comes from a clock that ran ahead and was set back: it is due.
pub(crate) fn find_due_for_poll(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> DbResult<Vec<Payment>> {
    const SQL: &str = "
        SELECT * FROM payments
         WHERE next_poll_at IS NOT NULL AND (next_poll_at <= $1 OR next_poll_at > $2)
         ORDER BY next_poll_at LIMIT $3";
    tx.query(SQL, (now, now + POLL_INTERVAL_MAX, limit), payment_from_row)
}

/// One payment.
pub(crate) fn find_payment(tx: &mut Tx<'_>, payment_id: PaymentId) -> DbResult<Option<Payment>> {
    const SQL: &str = "SELECT * FROM payments WHERE payment_id = $1";
    tx.query_opt(SQL, (payment_id,), payment_from_row)
}

/// One payment, if this device placed its order.
pub(crate) fn find_payment_of_device(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    device_id: DeviceId,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        SELECT * FROM payments
         WHERE payment_id = $1
           AND EXISTS (SELECT 1 FROM amounts_due WHERE order_id = payments.order_id AND device_id = $2)";
    tx.query_opt(SQL, (payment_id, device_id), payment_from_row)
}

/// The QR payments of an order whose money may still arrive, newest first.
pub(crate) fn list_unsettled_of_order(tx: &mut Tx<'_>, order_id: OrderId, limit: u32) -> DbResult<Vec<Payment>> {
    const SQL: &str = "
        SELECT * FROM payments
         WHERE order_id = $1 AND status IN ('PENDING', 'EXPIRED')
         ORDER BY payment_id DESC LIMIT $2";
    tx.query(SQL, (order_id, limit), payment_from_row)
}

/// The payment that paid an order.
pub(crate) fn find_paid_of_order(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<Payment>> {
    const SQL: &str = "SELECT * FROM payments WHERE order_id = $1 AND status = 'PAID'";
    tx.query_opt(SQL, (order_id,), payment_from_row)
}

/// Which payments to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct PaymentFilter {
    pub(crate) status: Option<PaymentStatus>,
    pub(crate) method: Option<PaymentMethod>,
    pub(crate) order_id: Option<OrderId>,
    /// The last payment of the page before.
    pub(crate) cursor: Option<PaymentId>,
}

impl PaymentFilter {
    /// Refunds that are due are paid oldest first; any other list begins with the newest.
    fn order(&self) -> Order {
        match self.status {
            Some(PaymentStatus::RefundDue) => Order { after_cursor: "payment_id > ", direction: "ASC" },
            _ => Order { after_cursor: "payment_id < ", direction: "DESC" },
        }
    }
}

struct Order {
    after_cursor: &'static str,
    direction: &'static str,
}

/// Lists payments in the order of [`PaymentFilter::order`]. The statement has only the filters that are set, so that
/// each uses its index.
pub(crate) fn list_payments(tx: &mut Tx<'_>, filter: &PaymentFilter, limit: u32) -> DbResult<Vec<Payment>> {
    let Order { after_cursor, direction } = filter.order();
    let conditions = [
        ("status = ", filter.status.map(Value::of)),
        ("method = ", filter.method.map(Value::of)),
        ("order_id = ", filter.order_id.map(|id| Value::from(id.to_string()))),
        (after_cursor, filter.cursor.map(|id| Value::from(id.to_string()))),
    ];
    let mut sql = String::from("SELECT * FROM payments");
    let mut params: Vec<Value> = Vec::new();
    for (condition, value) in conditions {
        let Some(value) = value else { continue };
        params.push(value);
        let keyword = if params.len() == 1 { "WHERE" } else { "AND" };
        sql.push_str(&format!(" {keyword} {condition}${}", params.len()));
    }
    params.push(Value::from(i64::from(limit)));
    sql.push_str(&format!(" ORDER BY payment_id {direction} LIMIT ${}", params.len()));
    tx.query(&sql, params, payment_from_row)
}

pub(super) fn payment_from_row(row: &Row<'_>) -> DbResult<Payment> {
    let currency: Currency = row.get("currency")?;
    let money = |column| row.get::<i64>(column).map(|minor| Money::new(minor, currency));
    let money_opt = |column| row.get::<Option<i64>>(column).map(|minor| minor.map(|minor| Money::new(minor, currency)));
    Ok(Payment {
        payment_id: row.get("payment_id")?,
        order_id: row.get("order_id")?,
        method: row.get("method")?,
        status: row.get("status")?,
        amount: money("amount")?,
        rounding: money("rounding")?,
        due: money("due")?,
        tendered: money_opt("tendered")?,
        change: money_opt("change")?,
        qr: qr_charge_from_row(row)?,
        reference: row.get("reference")?,
        is_test: row.get("is_test")?,
        refund_reason: row.get("refund_reason")?,
        taken_by: row.json("taken_by")?,
        confirmed_by: confirmed_by_from_row(row)?,
        created_at: row.get("created_at")?,
        paid_at: row.get("paid_at")?,
        next_poll_at: row.get("next_poll_at")?,
        version: row.get("version")?,
        updated_at: row.get("updated_at")?,
    })
}

fn confirmed_by_from_row(row: &Row<'_>) -> DbResult<Option<Actor>> {
    let json: Option<String> = row.get("confirmed_by")?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(DbError::from)
}

fn qr_charge_from_row(row: &Row<'_>) -> DbResult<Option<QrCharge>> {
    let Some(gateway) = row.get("gateway")? else { return Ok(None) };
    Ok(Some(QrCharge {
        payload: row.get("qris_payload")?,
        expires_at: row.get("qris_expires_at")?,
        gateway,
        gateway_reference: row.get("gateway_reference")?,
    }))
}
