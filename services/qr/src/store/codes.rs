//! qr_codes: one row for each code that was ever issued.

use contracts::{
    ids::{DispenseId, OrderId},
    qr::{AttentionReason, CodeStatus},
    time::Timestamp,
};
use db::{DbResult, Row, Tx};

use crate::model::{Code, Cup, Cursor, HeldLease, Machine, waits_if_changed_until};

/// A code to be issued.
pub(crate) struct NewCode<'a> {
    pub(crate) code: String,
    pub(crate) order_id: OrderId,
    pub(crate) cup: &'a Cup,
    pub(crate) status: CodeStatus,
    pub(crate) expires_at: Timestamp,
    pub(crate) issued_at: Timestamp,
    pub(crate) version: i64,
    /// The code of the same cup that it takes the place of.
    pub(crate) replaces: Option<&'a str>,
}

impl Code {
    fn from_row(row: &Row<'_>) -> DbResult<Self> {
        let cup = Cup {
            line: row.get("line")?,
            unit: row.get("unit")?,
            cup_number: row.get("cup_number")?,
            cup_count: row.get("cup_count")?,
            product_id: row.get("product_id")?,
            product_name: row.get("product_name")?,
            dispense_ml: row.get("dispense_ml")?,
        };
        Ok(Self {
            code: row.get("code")?,
            order_id: row.get("order_id")?,
            cup,
            status: row.get("status")?,
            is_paid: row.get("is_paid")?,
            expires_at: row.get("expires_at")?,
            version: row.get("version")?,
            device_id: row.get("device_id")?,
            dispense_id: row.get("dispense_id")?,
        })
    }
}

/// Issues a code, PENDING or ACTIVE.
pub(crate) fn insert(tx: &mut Tx<'_>, new: NewCode<'_>) -> DbResult<Code> {
    const SQL: &str = "
        INSERT INTO qr_codes (code, order_id, line, unit, cup_number, cup_count, product_id, product_name, dispense_ml,
                              status, is_paid, expires_at, issued_at, updated_at, version, replaces)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15)";
    let NewCode { code, order_id, cup, status, expires_at, issued_at, version, replaces } = new;
    let is_paid = status != CodeStatus::Pending;
    tx.execute(
        SQL,
        (
            &code,
            order_id,
            cup.line,
            cup.unit,
            cup.cup_number,
            cup.cup_count,
            cup.product_id,
            &cup.product_name,
            cup.dispense_ml,
            status,
            is_paid,
            expires_at,
            issued_at,
            version,
            replaces,
        ),
    )?;
    let cup = cup.clone();
    Ok(Code { code, order_id, cup, status, is_paid, expires_at, version, device_id: None, dispense_id: None })
}

/// One code.
pub(crate) fn find(tx: &mut Tx<'_>, code: &str) -> DbResult<Option<Code>> {
    const SQL: &str = "SELECT * FROM qr_codes WHERE code = $1";
    tx.query_opt(SQL, (code,), Code::from_row)
}

/// Every code of an order, in no order.
pub(crate) fn of_order(tx: &mut Tx<'_>, order: OrderId) -> DbResult<Vec<Code>> {
    const SQL: &str = "SELECT * FROM qr_codes WHERE order_id = $1";
    tx.query(SQL, (order,), Code::from_row)
}

/// Paid codes that wait for a person for this reason, the latest first, each with when it changed; only those after
/// `after`. What is disputed waits for no other reason.
pub(crate) fn attention(
    tx: &mut Tx<'_>,
    reason: AttentionReason,
    after: Option<&Cursor>,
    now: Timestamp,
    limit: u32,
) -> DbResult<Vec<(Code, Timestamp)>> {
    const DISPUTED: &str = "
        SELECT * FROM qr_codes
         WHERE is_disputed = 1 AND updated_at <= $1 AND (updated_at, code) < ($2, $3)
         ORDER BY updated_at DESC, code DESC LIMIT $4";
    const STANDING: &str = "
        SELECT * FROM qr_codes
         WHERE is_paid = 1 AND status IN ('EXPIRED', 'LEASED', 'REVIEW') AND is_disputed = 0
           AND updated_at <= $1 AND (updated_at, code) < ($2, $3) AND status = $5
         ORDER BY updated_at DESC, code DESC LIMIT $4";
    let until = waits_if_changed_until(reason, now);
    let (before, code) = after.map_or((Timestamp(i64::MAX), ""), |after| (after.changed_at, after.code.as_str()));
    let waiting = |row: &Row<'_>| Ok((Code::from_row(row)?, row.get("updated_at")?));
    let status = match reason {
        AttentionReason::PouredTwice => return tx.query(DISPUTED, (until, before, code, limit), waiting),
        AttentionReason::InReview => CodeStatus::Review,
        AttentionReason::OldLease => CodeStatus::Leased,
        AttentionReason::Expired => CodeStatus::Expired,
    };
    tx.query(STANDING, (until, before, code, limit, status), waiting)
}

/// Makes an order's unpaid codes pour until `expires_at`, those that expired too.
pub(crate) fn activate(tx: &mut Tx<'_>, order: OrderId, expires_at: Timestamp, now: Timestamp) -> DbResult<Vec<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET status = 'ACTIVE', is_paid = 1, expires_at = $2, updated_at = $3, version = version + 1
         WHERE order_id = $1 AND status IN ('PENDING', 'EXPIRED') AND is_paid = 0
        RETURNING *";
    tx.query(SQL, (order, expires_at, now), Code::from_row)
}

/// Gives up an order's codes, but for those that a machine has, that were poured, or that a person must look at.
pub(crate) fn void_all(tx: &mut Tx<'_>, order: OrderId, now: Timestamp) -> DbResult<Vec<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET status = 'VOID', updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status IN ('PENDING', 'ACTIVE', 'EXPIRED')
        RETURNING *";
    tx.query(SQL, (order, now), Code::from_row)
}

/// Gives up a paid code, ACTIVE or EXPIRED, that is to be replaced. Its order is locked, so that it stands as it was
/// seen.
pub(crate) fn void(tx: &mut Tx<'_>, code: &str, now: Timestamp) -> DbResult<Code> {
    const SQL: &str = "
        UPDATE qr_codes SET status = 'VOID', updated_at = $2, version = version + 1
         WHERE code = $1 AND status IN ('ACTIVE', 'EXPIRED') AND is_paid = 1
        RETURNING *";
    tx.query_one(SQL, (code, now), Code::from_row)
}

/// Orders with codes whose time is over, the longest over first, once for each such code.
pub(crate) fn due(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    const SQL: &str = "
        SELECT order_id FROM qr_codes
         WHERE status IN ('PENDING', 'ACTIVE') AND expires_at <= $1
         ORDER BY expires_at LIMIT $2";
    tx.query(SQL, (now, limit), |row| row.get("order_id"))
}

/// Ends the time of an order's codes that are past it.
pub(crate) fn expire(tx: &mut Tx<'_>, order: OrderId, now: Timestamp) -> DbResult<Vec<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET status = 'EXPIRED', updated_at = $2, version = version + 1
         WHERE order_id = $1 AND status IN ('PENDING', 'ACTIVE') AND expires_at <= $2
        RETURNING *";
    tx.query(SQL, (order, now), Code::from_row)
}

/// Uses a code up (step 36: prevents replay) by a grant of its own, to no machine. `None`: it does not pour.
pub(crate) fn use_up(tx: &mut Tx<'_>, code: &str, dispense_id: DispenseId, now: Timestamp) -> DbResult<Option<Code>> {
    const SQL: &str = "
        UPDATE qr_codes
           SET status = 'USED', device_id = NULL, dispense_id = $2, updated_at = $3, version = version + 1
         WHERE code = $1 AND status = 'ACTIVE' AND expires_at > $3
        RETURNING *";
    tx.query_opt(SQL, (code, dispense_id, now), Code::from_row)
}

/// Leases a code to a machine. `None`: it does not pour.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    code: &str,
    machine: &Machine,
    grant: (DispenseId, i64),
    now: Timestamp,
) -> DbResult<Option<Code>> {
    const SQL: &str = "
        UPDATE qr_codes
           SET status = 'LEASED', device_id = $2, journal_epoch = $3, dispense_id = $4, grant_number = $5,
               updated_at = $6, version = version + 1
         WHERE code = $1 AND status = 'ACTIVE' AND expires_at > $6
        RETURNING *";
    let Machine { device_id, journal_epoch } = machine;
    let (dispense_id, grant_number) = grant;
    tx.query_opt(SQL, (code, device_id, journal_epoch, dispense_id, grant_number, now), Code::from_row)
}

/// Numbers a lease anew, because its machine is told of it again. `None`: it is over.
pub(crate) fn renew(
    tx: &mut Tx<'_>,
    code: &str,
    machine: &Machine,
    grant: (DispenseId, i64),
) -> DbResult<Option<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET grant_number = $5
         WHERE code = $1 AND device_id = $2 AND status = 'LEASED' AND journal_epoch = $3 AND dispense_id = $4
        RETURNING *";
    let Machine { device_id, journal_epoch } = machine;
    let (dispense_id, grant_number) = grant;
    tx.query_opt(SQL, (code, device_id, journal_epoch, dispense_id, grant_number), Code::from_row)
}

/// A machine's leases, by order.
pub(crate) fn leased_by(tx: &mut Tx<'_>, device_id: &str) -> DbResult<Vec<(OrderId, HeldLease)>> {
    const SQL: &str = "
        SELECT order_id, code, dispense_id, grant_number FROM qr_codes
         WHERE device_id = $1 AND status = 'LEASED'
         ORDER BY order_id, code";
    tx.query(SQL, (device_id,), |row| {
        let lease = HeldLease {
            code: row.get("code")?,
            dispense_id: row.get("dispense_id")?,
            grant_number: row.get("grant_number")?,
        };
        Ok((row.get("order_id")?, lease))
    })
}

/// Moves the code `$1` to `$2`, if it `stands` so. What then pours does until `$3` at least, now being `$4`. What is
/// disputed does not pour by itself: it may have been poured.
fn moving(stands: &str) -> String {
    format!(
        "UPDATE qr_codes
            SET status = CASE WHEN $2 = 'ACTIVE' AND is_disputed = 1 THEN 'REVIEW' ELSE $2 END,
                expires_at = CASE WHEN $2 = 'ACTIVE' AND expires_at < $3 THEN $3 ELSE expires_at END,
                updated_at = $4, version = version + 1
          WHERE code = $1 AND {stands}
         RETURNING *"
    )
}

/// Ends a lease, if it is still the one of this number. What is given back pours until `pours_until` at least.
/// `None`: it was ended before, or its machine was told of it again.
pub(crate) fn end_lease(
    tx: &mut Tx<'_>,
    code: &str,
    grant: (DispenseId, i64),
    to: CodeStatus,
    pours_until: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    let sql = moving("status = 'LEASED' AND dispense_id = $5 AND grant_number <= $6");
    let (dispense_id, grant_number_max) = grant;
    tx.query_opt(&sql, (code, to, pours_until, now, dispense_id, grant_number_max), Code::from_row)
}

/// Ends a code's review, or a lease of a machine that is dead: `from` says which. What a guest has not got pours until
/// `pours_until` at least. `None`: the code does not stand there.
pub(crate) fn resolve(
    tx: &mut Tx<'_>,
    code: &str,
    from: CodeStatus,
    to: CodeStatus,
    pours_until: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    tx.query_opt(&moving("status = $5"), (code, to, pours_until, now, from), Code::from_row)
}

/// Moves a code by its machine's late report of the last grant, if it stands as it was left. `None`: it went on.
pub(crate) fn correct(
    tx: &mut Tx<'_>,
    code: &str,
    dispense_id: DispenseId,
    to: CodeStatus,
    pours_until: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    let sql = moving("dispense_id = $5 AND status IN ('ACTIVE', 'EXPIRED', 'REVIEW')");
    tx.query_opt(&sql, (code, to, pours_until, now, dispense_id), Code::from_row)
}

/// Marks the code that stands for a cup, because the cup was poured by a grant that was given up. A code that would
/// pour goes to REVIEW.
pub(crate) fn dispute(tx: &mut Tx<'_>, of: &Code, now: Timestamp) -> DbResult<Code> {
    const SQL: &str = "
        UPDATE qr_codes
           SET is_disputed = 1, updated_at = $4, version = version + 1,
               status = CASE WHEN is_paid = 1 AND status IN ('ACTIVE', 'EXPIRED') THEN 'REVIEW' ELSE status END
         WHERE code = (SELECT code FROM qr_codes
                        WHERE order_id = $1 AND line = $2 AND unit = $3
                        ORDER BY version DESC LIMIT 1)
        RETURNING *";
    tx.query_one(SQL, (of.order_id, of.cup.line, of.cup.unit, now), Code::from_row)
}

/// Notes that a person has seen what a cup's code was marked for. `None`: it was not marked.
pub(crate) fn acknowledge(tx: &mut Tx<'_>, code: &str, now: Timestamp) -> DbResult<Option<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET is_disputed = 0, updated_at = $2, version = version + 1
         WHERE code = $1 AND is_disputed = 1
        RETURNING *";
    tx.query_opt(SQL, (code, now), Code::from_row)
}
