//! qr_codes: one row for each code that was ever issued.
//!
//! The statuses in each `WHERE` come from [`CodeTransition`].

use contracts::{
    ids::{DispenseId, OrderId},
    qr::{CodeStatus, CodeTransition},
    time::Timestamp,
};
use db::{DbResult, Row, Tx};

use crate::model::{ChangedWithin, Code, Cup, Cursor, DeviceJournal, Lease};

/// A code to issue.
pub(crate) struct NewCode<'a> {
    pub(crate) code: String,
    pub(crate) order_id: OrderId,
    pub(crate) cup: &'a Cup,
    pub(crate) status: CodeStatus,
    pub(crate) expires_at: Timestamp,
    pub(crate) issued_at: Timestamp,
    pub(crate) version: i64,
    /// The code of the same cup that it replaces.
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

/// Inserts a code, PENDING or ACTIVE.
pub(crate) fn insert_code(tx: &mut Tx<'_>, new: NewCode<'_>) -> DbResult<Code> {
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

/// `status IN (...)` with the statuses in which the transition can happen.
fn may(transition: CodeTransition) -> String {
    let sources: Vec<String> = transition.sources().iter().map(|status| format!("'{status}'")).collect();
    format!("status IN ({})", sources.join(", "))
}

/// One code.
pub(crate) fn find_code(tx: &mut Tx<'_>, code: &str) -> DbResult<Option<Code>> {
    const SQL: &str = "SELECT * FROM qr_codes WHERE code = $1";
    tx.query_opt(SQL, (code,), Code::from_row)
}

/// Every code of an order, unsorted.
pub(crate) fn list_codes(tx: &mut Tx<'_>, order: OrderId) -> DbResult<Vec<Code>> {
    const SQL: &str = "SELECT * FROM qr_codes WHERE order_id = $1";
    tx.query(SQL, (order,), Code::from_row)
}

/// Codes of cups that may have been poured twice, the latest change first, each with the time of its change.
pub(crate) fn list_disputed(tx: &mut Tx<'_>, after: Option<&Cursor>, limit: u32) -> DbResult<Vec<(Code, Timestamp)>> {
    const SQL: &str = "
        SELECT * FROM qr_codes
         WHERE is_disputed = 1 AND (updated_at, code) < ($1, $2)
         ORDER BY updated_at DESC, code DESC LIMIT $3";
    let (before, code) = start_of_page(after);
    tx.query(SQL, (before, code, limit), code_and_change)
}

/// Paid codes with this status that changed within these bounds, the latest change first, each with the time of its
/// change. Disputed ones are left out.
pub(crate) fn list_waiting(
    tx: &mut Tx<'_>,
    status: CodeStatus,
    within: ChangedWithin,
    after: Option<&Cursor>,
    limit: u32,
) -> DbResult<Vec<(Code, Timestamp)>> {
    const SQL: &str = "
        SELECT * FROM qr_codes
         WHERE is_paid = 1 AND status IN ('EXPIRED', 'LEASED', 'REVIEW') AND is_disputed = 0
           AND status = $1 AND (updated_at <= $2 OR updated_at > $3) AND (updated_at, code) < ($4, $5)
         ORDER BY updated_at DESC, code DESC LIMIT $6";
    let (before, code) = start_of_page(after);
    tx.query(SQL, (status, within.until, within.ahead_of, before, code, limit), code_and_change)
}

fn start_of_page(after: Option<&Cursor>) -> (Timestamp, &str) {
    after.map_or((Timestamp(i64::MAX), ""), |after| (after.changed_at, after.code.as_str()))
}

fn code_and_change(row: &Row<'_>) -> DbResult<(Code, Timestamp)> {
    Ok((Code::from_row(row)?, row.get("updated_at")?))
}

/// How many codes are in REVIEW.
pub(crate) fn count_in_review(tx: &mut Tx<'_>) -> DbResult<u32> {
    // The list of statuses is that of the index, which SQLite uses only if the query repeats it.
    const SQL: &str = "
        SELECT COUNT(*) AS codes FROM qr_codes
         WHERE is_paid = 1 AND status IN ('EXPIRED', 'LEASED', 'REVIEW') AND status = 'REVIEW'";
    tx.query_one(SQL, (), |row| row.get("codes"))
}

/// Makes an order's unpaid codes valid until `expires_at`, also expired ones.
pub(crate) fn activate_codes(
    tx: &mut Tx<'_>,
    order: OrderId,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Vec<Code>> {
    let sql = format!(
        "UPDATE qr_codes SET status = 'ACTIVE', is_paid = 1, expires_at = $2, updated_at = $3, version = version + 1
          WHERE order_id = $1 AND {may} AND is_paid = 0
         RETURNING *",
        may = may(CodeTransition::Activate)
    );
    tx.query(&sql, (order, expires_at, now), Code::from_row)
}

/// Voids an order's codes, except those that are leased, used or in review.
pub(crate) fn void_codes(tx: &mut Tx<'_>, order: OrderId, now: Timestamp) -> DbResult<Vec<Code>> {
    let sql = format!(
        "UPDATE qr_codes SET status = 'VOID', updated_at = $2, version = version + 1
          WHERE order_id = $1 AND {may}
         RETURNING *",
        may = may(CodeTransition::Void)
    );
    tx.query(&sql, (order, now), Code::from_row)
}

/// Voids a paid code that is about to be replaced. Its order is locked, so it has the status that was read.
pub(crate) fn void_code(tx: &mut Tx<'_>, code: &str, now: Timestamp) -> DbResult<Code> {
    let sql = format!(
        "UPDATE qr_codes SET status = 'VOID', updated_at = $2, version = version + 1
          WHERE code = $1 AND {may} AND is_paid = 1
         RETURNING *",
        may = may(CodeTransition::Void)
    );
    tx.query_one(&sql, (code, now), Code::from_row)
}

/// The order of each code whose validity is over, the longest over first.
pub(crate) fn list_orders_with_expired_codes(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    let sql = format!(
        "SELECT order_id FROM qr_codes
          WHERE {may} AND expires_at <= $1
          ORDER BY expires_at LIMIT $2",
        may = may(CodeTransition::Expire)
    );
    tx.query(&sql, (now, limit), |row| row.get("order_id"))
}

/// Expires an order's codes whose validity is over.
pub(crate) fn expire_codes(tx: &mut Tx<'_>, order: OrderId, now: Timestamp) -> DbResult<Vec<Code>> {
    let sql = format!(
        "UPDATE qr_codes SET status = 'EXPIRED', updated_at = $2, version = version + 1
          WHERE order_id = $1 AND {may} AND expires_at <= $2
         RETURNING *",
        may = may(CodeTransition::Expire)
    );
    tx.query(&sql, (order, now), Code::from_row)
}

/// The order of each code that was written after `ahead_of` and has not expired.
pub(crate) fn list_orders_ahead_of_clock(tx: &mut Tx<'_>, ahead_of: Timestamp, limit: u32) -> DbResult<Vec<OrderId>> {
    const SQL: &str = "
        SELECT order_id FROM qr_codes
         WHERE status IN ('PENDING', 'ACTIVE') AND expires_at > $1 AND updated_at > $1
         ORDER BY expires_at LIMIT $2";
    tx.query(SQL, (ahead_of, limit), |row| row.get("order_id"))
}

/// Sets the expiry of those codes of an order to `expires_at`.
pub(crate) fn rebase_codes(
    tx: &mut Tx<'_>,
    order: OrderId,
    ahead_of: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
) -> DbResult<Vec<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET expires_at = $3, updated_at = $4, version = version + 1
         WHERE order_id = $1 AND status IN ('PENDING', 'ACTIVE') AND expires_at > $2 AND updated_at > $2
        RETURNING *";
    tx.query(SQL, (order, ahead_of, expires_at, now), Code::from_row)
}

/// Redeems a code by a grant of its own, to no device (step 36: prevents replay). `None`: it does not pour.
pub(crate) fn redeem_code(
    tx: &mut Tx<'_>,
    code: &str,
    dispense_id: DispenseId,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    let sql = format!(
        "UPDATE qr_codes
            SET status = 'USED', device_id = NULL, dispense_id = $2, updated_at = $3, version = version + 1
          WHERE code = $1 AND {may} AND expires_at > $3
         RETURNING *",
        may = may(CodeTransition::Redeem)
    );
    tx.query_opt(&sql, (code, dispense_id, now), Code::from_row)
}

/// Leases a code to a device. `None`: it does not pour.
pub(crate) fn lease_code(
    tx: &mut Tx<'_>,
    lease: &Lease,
    journal: &DeviceJournal,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    let sql = format!(
        "UPDATE qr_codes
            SET status = 'LEASED', device_id = $2, journal_epoch = $3, dispense_id = $4, grant_number = $5,
                updated_at = $6, version = version + 1
          WHERE code = $1 AND {may} AND expires_at > $6
         RETURNING *",
        may = may(CodeTransition::Lease)
    );
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_opt(
        &sql,
        (&lease.code, device_id, journal_epoch, lease.dispense_id, lease.grant_number, now),
        Code::from_row,
    )
}

/// Gives a lease a new grant number, because its device gets the grant again. `None`: the lease is over.
pub(crate) fn renew_grant(tx: &mut Tx<'_>, lease: &Lease, journal: &DeviceJournal) -> DbResult<Option<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET grant_number = $5
         WHERE code = $1 AND device_id = $2 AND status = 'LEASED' AND journal_epoch = $3 AND dispense_id = $4
        RETURNING *";
    let DeviceJournal { device_id, journal_epoch } = journal;
    tx.query_opt(SQL, (&lease.code, device_id, journal_epoch, lease.dispense_id, lease.grant_number), Code::from_row)
}

/// A device's leases, by order.
pub(crate) fn list_leases(tx: &mut Tx<'_>, device_id: &str) -> DbResult<Vec<(OrderId, Lease)>> {
    const SQL: &str = "
        SELECT order_id, code, dispense_id, grant_number FROM qr_codes
         WHERE device_id = $1 AND status = 'LEASED'
         ORDER BY order_id, code";
    tx.query(SQL, (device_id,), |row| {
        let lease = Lease {
            code: row.get("code")?,
            dispense_id: row.get("dispense_id")?,
            grant_number: row.get("grant_number")?,
        };
        Ok((row.get("order_id")?, lease))
    })
}

/// Moves the code `$1` to `$2`, if the transition can happen and `condition` holds. A code that becomes ACTIVE is valid
/// until `$3` at least; `$4` is now. A disputed code goes to REVIEW instead of ACTIVE: its cup may have been poured.
fn end_grant(transition: CodeTransition, condition: &str) -> String {
    format!(
        "UPDATE qr_codes
            SET status = CASE WHEN $2 = 'ACTIVE' AND is_disputed = 1 THEN 'REVIEW' ELSE $2 END,
                expires_at = CASE WHEN $2 = 'ACTIVE' AND expires_at < $3 THEN $3 ELSE expires_at END,
                updated_at = $4, version = version + 1
          WHERE code = $1 AND {may} AND {condition}
         RETURNING *",
        may = may(transition)
    )
}

/// Ends a lease whose grant number is still `lease.grant_number` or lower. `None`: the lease ended before, or its
/// device got the grant again.
pub(crate) fn release_lease(
    tx: &mut Tx<'_>,
    lease: &Lease,
    to: CodeStatus,
    valid_until: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    debug_assert!(CodeTransition::Release.targets().contains(&to), "{to}");
    let sql = end_grant(CodeTransition::Release, "dispense_id = $5 AND grant_number <= $6");
    let Lease { code, dispense_id, grant_number } = lease;
    tx.query_opt(&sql, (code, to, valid_until, now, *dispense_id, *grant_number), Code::from_row)
}

/// Ends a code's review. `None`: it is not in review.
pub(crate) fn resolve_review(
    tx: &mut Tx<'_>,
    code: &str,
    to: CodeStatus,
    valid_until: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    debug_assert!(CodeTransition::Resolve.targets().contains(&to), "{to}");
    let sql = end_grant(CodeTransition::Resolve, "is_paid = 1");
    tx.query_opt(&sql, (code, to, valid_until, now), Code::from_row)
}

/// Moves a code by its device's late report of the last grant. `None`: the code was granted again or resolved.
pub(crate) fn correct_code(
    tx: &mut Tx<'_>,
    code: &str,
    dispense_id: DispenseId,
    to: CodeStatus,
    valid_until: Timestamp,
    now: Timestamp,
) -> DbResult<Option<Code>> {
    debug_assert!(CodeTransition::Correct.targets().contains(&to), "{to}");
    let sql = end_grant(CodeTransition::Correct, "dispense_id = $5");
    tx.query_opt(&sql, (code, to, valid_until, now, dispense_id), Code::from_row)
}

/// Marks the current code of a cup that an earlier grant has poured. A valid code goes to REVIEW.
pub(crate) fn dispute_cup(tx: &mut Tx<'_>, of: &Code, now: Timestamp) -> DbResult<Code> {
    let sql = format!(
        "UPDATE qr_codes
            SET is_disputed = 1, updated_at = $4, version = version + 1,
                status = CASE WHEN is_paid = 1 AND {may} THEN 'REVIEW' ELSE status END
          WHERE code = (SELECT code FROM qr_codes
                         WHERE order_id = $1 AND line = $2 AND unit = $3
                         ORDER BY version DESC LIMIT 1)
         RETURNING *",
        may = may(CodeTransition::Dispute)
    );
    tx.query_one(&sql, (of.order_id, of.cup.line, of.cup.unit, now), Code::from_row)
}

/// Records that staff have seen the mark of a disputed cup. `None`: it is not disputed.
pub(crate) fn acknowledge_dispute(tx: &mut Tx<'_>, code: &str, now: Timestamp) -> DbResult<Option<Code>> {
    const SQL: &str = "
        UPDATE qr_codes SET is_disputed = 0, updated_at = $2, version = version + 1
         WHERE code = $1 AND is_disputed = 1
        RETURNING *";
    tx.query_opt(SQL, (code, now), Code::from_row)
}
