//! The SQL of payments. One statement, one function.
//!
//! A transaction that changes whose payment an order's is touches `amounts_due` first, so that two of one order wait
//! for each other there and nowhere else.

use contracts::{
    ids::{OrderId, PaymentId, TransactionId},
    money::{Currency, Money},
    payment::{PaymentMethod, PaymentStatus},
    time::Timestamp,
};
use db::{DbResult, Row, Tx, Value};

use crate::model::{Noted, OrderDue, Payment, Qr};

/// Notes what an order owes, and lets `claimed_by` be its payment if no other is. Answers the row as it then stands.
/// An older version of the order changes nothing but what was unknown.
pub(crate) fn note_due(
    tx: &mut Tx<'_>,
    due: &OrderDue,
    is_open: bool,
    claimed_by: Option<PaymentId>,
) -> DbResult<Noted> {
    const SQL: &str = "
        INSERT INTO amounts_due (order_id, order_version, open, order_number, total, currency, cups,
                                 paid_payment_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (order_id) DO UPDATE SET
            open = CASE WHEN excluded.order_version > amounts_due.order_version
                        THEN excluded.open ELSE amounts_due.open END,
            order_version = CASE WHEN excluded.order_version > amounts_due.order_version
                                 THEN excluded.order_version ELSE amounts_due.order_version END,
            order_number = COALESCE(amounts_due.order_number, excluded.order_number),
            total = COALESCE(amounts_due.total, excluded.total),
            currency = COALESCE(amounts_due.currency, excluded.currency),
            cups = COALESCE(amounts_due.cups, excluded.cups),
            paid_payment_id = COALESCE(amounts_due.paid_payment_id, excluded.paid_payment_id)
        RETURNING order_id, order_version, open, order_number, total, currency, cups, paid_payment_id";
    let Money { minor, currency } = due.total;
    let params =
        (due.order_id, due.order_version, is_open, due.order_number.as_str(), minor, currency, due.cups, claimed_by);
    tx.query_one(SQL, params, noted)
}

/// Notes that an order is closed. Answers whether it now is, by this version: a newer one may have opened it again.
pub(crate) fn note_closed(tx: &mut Tx<'_>, order_id: OrderId, order_version: i64) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO amounts_due (order_id, order_version, open) VALUES ($1, $2, 0)
        ON CONFLICT (order_id) DO UPDATE SET open = 0, order_version = excluded.order_version
         WHERE excluded.order_version > amounts_due.order_version";
    Ok(tx.execute(SQL, (order_id, order_version))? > 0)
}

/// Notes that an order lives again. Answers whether that is news: a till may have asked Order before.
pub(crate) fn note_reopened(tx: &mut Tx<'_>, order_id: OrderId, order_version: i64) -> DbResult<bool> {
    const SQL: &str = "UPDATE amounts_due SET open = 1, order_version = $2 WHERE order_id = $1 AND order_version < $2";
    Ok(tx.execute(SQL, (order_id, order_version))? > 0)
}

/// What is known of an order.
pub(crate) fn noted_due(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<Noted>> {
    const SQL: &str = "
        SELECT order_id, order_version, open, order_number, total, currency, cups, paid_payment_id
          FROM amounts_due WHERE order_id = $1";
    tx.query_opt(SQL, (order_id,), noted)
}

/// An order that a payment has become the one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// How many cups of it machines pour.
    pub(crate) cups: u32,
}

/// Makes a payment that may still be paid the one of its order. `None`: the order has one, or it may not.
pub(crate) fn claim(tx: &mut Tx<'_>, order_id: OrderId, payment_id: PaymentId) -> DbResult<Option<Claimed>> {
    const SQL: &str = "
        UPDATE amounts_due SET paid_payment_id = $2
         WHERE order_id = $1 AND paid_payment_id IS NULL
           AND EXISTS (SELECT 1 FROM payments WHERE payment_id = $2 AND status IN ('PENDING', 'EXPIRED'))
        RETURNING cups";
    tx.query_opt(SQL, (order_id, payment_id), |row| Ok(Claimed { cups: row.get("cups")? }))
}

/// Takes back a claim: the payment does not pay its order after all.
pub(crate) fn unclaim(tx: &mut Tx<'_>, order_id: OrderId, payment_id: PaymentId) -> DbResult<()> {
    const SQL: &str = "
        UPDATE amounts_due SET paid_payment_id = NULL WHERE order_id = $1 AND paid_payment_id = $2";
    tx.execute(SQL, (order_id, payment_id)).map(|_| ())
}

/// Writes a new payment. `false`: the order has one of its status already, and may have only one.
pub(crate) fn insert_payment(tx: &mut Tx<'_>, payment: &Payment) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO payments (payment_id, order_id, method, status, currency, amount, rounding, due, tendered, change,
                              qris_payload, qris_expires_at, gateway, gateway_reference, is_test,
                              created_at, paid_at, next_check_at, version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
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
        payment.next_check_at,
        payment.version,
        payment.updated_at,
    );
    Ok(tx.execute(SQL, params)? == 1)
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Movement {
    /// The guest gave it.
    CashIn,
    /// The guest got it back.
    ChangeOut,
    /// The bank sent it.
    QrisIn,
}

impl Movement {
    const fn as_str(self) -> &'static str {
        match self {
            Self::CashIn => "CASH_IN",
            Self::ChangeOut => "CHANGE_OUT",
            Self::QrisIn => "QRIS_IN",
        }
    }
}

/// Writes one movement of money into the ledger; out is negative.
pub(crate) fn insert_transaction(
    tx: &mut Tx<'_>,
    payment: &Payment,
    movement: Movement,
    amount: i64,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO transactions (transaction_id, payment_id, kind, amount, currency, reference, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let gateway_reference = payment.qr.as_ref().map(|qr| qr.gateway_reference.as_str());
    let reference = payment.reference.as_deref().or(gateway_reference);
    let currency = payment.due.currency;
    let params = (TransactionId::new(now), payment.payment_id, movement.as_str(), amount, currency, reference, now);
    tx.execute(SQL, params).map(|_| ())
}

/// The money of a QR came: it is PAID, or REFUND_DUE where there is a `refund_reason`. `None`: it came before, or the
/// gateway had refused it.
pub(crate) fn money_came(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    refund_reason: Option<&str>,
    paid_at: Timestamp,
    reference: Option<&str>,
    now: Timestamp,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        UPDATE payments SET status = $2, refund_reason = $3, paid_at = $4, reference = $5, next_check_at = NULL,
                            updated_at = $6, version = version + 1
         WHERE payment_id = $1 AND status IN ('PENDING', 'EXPIRED')
        RETURNING *";
    let status = if refund_reason.is_some() { PaymentStatus::RefundDue } else { PaymentStatus::Paid };
    tx.query_opt(SQL, (payment_id, status, refund_reason, paid_at, reference, now), payment)
}

/// Moves a payment between two statuses without money. `None`: it was not in `from`.
pub(crate) fn transition(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    from: PaymentStatus,
    to: PaymentStatus,
    next_check_at: Option<Timestamp>,
    now: Timestamp,
) -> DbResult<Option<Payment>> {
    const SQL: &str = "
        UPDATE payments SET status = $3, next_check_at = $4, updated_at = $5, version = version + 1
         WHERE payment_id = $1 AND status = $2
        RETURNING *";
    tx.query_opt(SQL, (payment_id, from, to, next_check_at, now), payment)
}

/// Gives up what is pending of an order. It stays payable, so it is asked about soon.
pub(crate) fn give_up_pending(tx: &mut Tx<'_>, order_id: OrderId, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        UPDATE payments SET status = 'EXPIRED', next_check_at = $2, updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status = 'PENDING'";
    tx.execute(SQL, (order_id, now)).map(|_| ())
}

/// The money of a payment that is PAID must go back.
pub(crate) fn orphan(tx: &mut Tx<'_>, payment_id: PaymentId, reason: &str, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        UPDATE payments SET status = 'REFUND_DUE', refund_reason = $2, updated_at = $3, version = version + 1
         WHERE payment_id = $1 AND status = 'PAID'";
    tx.execute(SQL, (payment_id, reason, now)).map(|_| ())
}

/// Says when the gateway is asked next. The payment itself does not change, so its version stays.
pub(crate) fn set_next_check(
    tx: &mut Tx<'_>,
    payment_id: PaymentId,
    status: PaymentStatus,
    next_check_at: Option<Timestamp>,
) -> DbResult<()> {
    const SQL: &str = "UPDATE payments SET next_check_at = $3 WHERE payment_id = $1 AND status = $2";
    tx.execute(SQL, (payment_id, status, next_check_at)).map(|_| ())
}

/// The payments whose gateway is to be asked at `now`, those that waited longest first.
pub(crate) fn due_for_check(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> DbResult<Vec<Payment>> {
    const SQL: &str = "
        SELECT * FROM payments
         WHERE status IN ('PENDING', 'EXPIRED') AND next_check_at <= $1
         ORDER BY next_check_at LIMIT $2";
    tx.query(SQL, (now, limit), payment)
}

/// One payment.
pub(crate) fn find(tx: &mut Tx<'_>, payment_id: PaymentId) -> DbResult<Option<Payment>> {
    const SQL: &str = "SELECT * FROM payments WHERE payment_id = $1";
    tx.query_opt(SQL, (payment_id,), payment)
}

/// The QRs of an order that may still bring money, newest first.
pub(crate) fn unsettled_of_order(tx: &mut Tx<'_>, order_id: OrderId, limit: u32) -> DbResult<Vec<Payment>> {
    const SQL: &str = "
        SELECT * FROM payments
         WHERE order_id = $1 AND status IN ('PENDING', 'EXPIRED')
         ORDER BY payment_id DESC LIMIT $2";
    tx.query(SQL, (order_id, limit), payment)
}

/// The payment that paid an order.
pub(crate) fn paid_of_order(tx: &mut Tx<'_>, order_id: OrderId) -> DbResult<Option<Payment>> {
    const SQL: &str = "SELECT * FROM payments WHERE order_id = $1 AND status = 'PAID'";
    tx.query_opt(SQL, (order_id,), payment)
}

/// Which payments a list asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) status: Option<PaymentStatus>,
    pub(crate) method: Option<PaymentMethod>,
    pub(crate) order_id: Option<OrderId>,
    /// Those older than this one.
    pub(crate) before: Option<PaymentId>,
}

/// Payments, newest first. Only the filters that are asked for are in the statement, so that each has its index.
pub(crate) fn list(tx: &mut Tx<'_>, wanted: &Wanted, limit: u32) -> DbResult<Vec<Payment>> {
    let filters = [
        ("status = ", wanted.status.map(|status| Value::of(status))),
        ("method = ", wanted.method.map(|method| Value::of(method))),
        ("order_id = ", wanted.order_id.map(|id| Value::from(id.to_string()))),
        ("payment_id < ", wanted.before.map(|id| Value::from(id.to_string()))),
    ];
    let mut sql = String::from("SELECT * FROM payments");
    let mut params: Vec<Value> = Vec::new();
    for (condition, value) in filters {
        let Some(value) = value else { continue };
        params.push(value);
        let word = if params.len() == 1 { "WHERE" } else { "AND" };
        sql.push_str(&format!(" {word} {condition}${}", params.len()));
    }
    params.push(Value::from(i64::from(limit)));
    sql.push_str(&format!(" ORDER BY payment_id DESC LIMIT ${}", params.len()));
    tx.query(&sql, params, payment)
}

fn noted(row: &Row<'_>) -> DbResult<Noted> {
    let (total, currency): (Option<i64>, Option<Currency>) = (row.get("total")?, row.get("currency")?);
    Ok(Noted {
        order_id: row.get("order_id")?,
        order_version: row.get("order_version")?,
        is_open: row.get("open")?,
        order_number: row.get("order_number")?,
        total: total.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
        cups: row.get("cups")?,
        paid_payment_id: row.get("paid_payment_id")?,
    })
}

fn payment(row: &Row<'_>) -> DbResult<Payment> {
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
        qr: qr(row)?,
        reference: row.get("reference")?,
        is_test: row.get("is_test")?,
        refund_reason: row.get("refund_reason")?,
        created_at: row.get("created_at")?,
        paid_at: row.get("paid_at")?,
        next_check_at: row.get("next_check_at")?,
        version: row.get("version")?,
        updated_at: row.get("updated_at")?,
    })
}

fn qr(row: &Row<'_>) -> DbResult<Option<Qr>> {
    let Some(gateway) = row.get("gateway")? else { return Ok(None) };
    Ok(Some(Qr {
        payload: row.get("qris_payload")?,
        expires_at: row.get("qris_expires_at")?,
        gateway,
        gateway_reference: row.get("gateway_reference")?,
    }))
}

/// The sums that a test holds against each other.
#[cfg(test)]
pub(crate) mod books {
    use super::*;

    /// What the ledger says of each payment: the payment, and the sum of its movements.
    pub(crate) fn ledger(tx: &mut Tx<'_>) -> DbResult<Vec<(Payment, i64)>> {
        const SQL: &str = "
            SELECT p.*, CAST(COALESCE((SELECT SUM(t.amount) FROM transactions t
                                        WHERE t.payment_id = p.payment_id), 0) AS BIGINT) AS moved
              FROM payments p ORDER BY p.payment_id";
        tx.query(SQL, (), |row| Ok((payment(row)?, row.get("moved")?)))
    }

    /// Each movement of a payment: why, and how much.
    pub(crate) fn movements(tx: &mut Tx<'_>, payment_id: PaymentId) -> DbResult<Vec<(String, i64)>> {
        const SQL: &str = "
            SELECT kind, amount FROM transactions WHERE payment_id = $1 ORDER BY transaction_id";
        tx.query(SQL, (payment_id,), |row| Ok((row.get("kind")?, row.get("amount")?)))
    }

    /// Every order's row.
    pub(crate) fn amounts_due(tx: &mut Tx<'_>) -> DbResult<Vec<Noted>> {
        const SQL: &str = "
            SELECT order_id, order_version, open, order_number, total, currency, cups, paid_payment_id
              FROM amounts_due ORDER BY order_id";
        tx.query(SQL, (), noted)
    }
}
