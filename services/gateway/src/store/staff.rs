//! The SQL of `staff` and `pin_attempts`.

use contracts::{
    ids::StaffId,
    staff::{Role, StaffTile, StaffView},
    time::Timestamp,
};
use db::{DbResult, Row, Tx};

use crate::model::{ATTEMPTS_PER_LOCK, StaffName, lock_ends};

const COLUMNS: &str = "staff_id, name, role, is_active, pin_hash, version";
/// A person with their attempts and sessions at the time $1.
const SELECT_VIEW: &str = "
    SELECT s.staff_id, s.name, s.role, s.is_active, s.signed_in_at, s.signed_in_on, s.created_at, s.version,
           a.attempts, a.locked_until,
           (SELECT MIN(x.started_at) FROM sessions AS x
             WHERE x.staff_id = s.staff_id AND x.ended_at IS NULL AND x.expires_at > $1) AS signed_in_since
      FROM staff AS s LEFT JOIN pin_attempts AS a ON a.staff_id = s.staff_id";

/// A person, as sign-in and audit need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StaffRow {
    pub(crate) staff_id: StaffId,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
    pub(crate) pin_hash: String,
    pub(crate) version: i64,
}

/// An attempt to enter a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PinAttempt {
    /// How many there were since the last right PIN, with this one.
    pub(crate) attempts: u32,
    /// Until when this attempt locks the person, unless its PIN is right. Otherwise a time that is over.
    pub(crate) locked_until: Timestamp,
}

/// Makes other changes of people and sessions wait until this transaction ends.
pub(crate) fn lock_staff(tx: &mut Tx<'_>) -> DbResult<()> {
    const SQL: &str = "UPDATE staff_lock SET changes = changes + 1 WHERE id = 1";
    tx.execute(SQL, ()).map(drop)
}

/// Adds a person who works here. `false`: somebody who works here has this name.
pub(crate) fn insert_staff(
    tx: &mut Tx<'_>,
    staff_id: StaffId,
    name: &StaffName,
    role: Role,
    pin_hash: &str,
    now: Timestamp,
) -> DbResult<bool> {
    const SQL: &str = "
        INSERT INTO staff (staff_id, name, name_key, role, is_active, pin_hash, created_at, version)
        VALUES ($1, $2, $3, $4, 1, $5, $6, 1)
        ON CONFLICT (name_key) WHERE is_active = 1 DO NOTHING";
    let inserted = tx.execute(SQL, (staff_id, name.as_str(), name.key(), role, pin_hash, now))?;
    Ok(inserted == 1)
}

/// How many people the shop has; with `only_active`, of those who work here.
pub(crate) fn count_staff(tx: &mut Tx<'_>, only_active: bool) -> DbResult<i64> {
    const SQL: &str = "SELECT COUNT(*) AS people FROM staff WHERE is_active >= $1";
    tx.query_one(SQL, (i64::from(only_active),), |row| row.get("people"))
}

/// The person with this id.
pub(crate) fn find_staff(tx: &mut Tx<'_>, staff_id: StaffId) -> DbResult<Option<StaffRow>> {
    let sql = format!("SELECT {COLUMNS} FROM staff WHERE staff_id = $1");
    tx.query_opt(&sql, (staff_id,), staff_row)
}

/// The person of this role who has worked here for the longest time.
pub(crate) fn find_first_of_role(tx: &mut Tx<'_>, role: Role) -> DbResult<Option<StaffRow>> {
    let sql = format!("SELECT {COLUMNS} FROM staff WHERE role = $1 AND is_active = 1 ORDER BY staff_id LIMIT 1");
    tx.query_opt(&sql, (role,), staff_row)
}

/// The person of this name, in capitals or not: who works here, or else who was added last.
pub(crate) fn find_by_name(tx: &mut Tx<'_>, name: &StaffName) -> DbResult<Option<StaffRow>> {
    let sql = format!("SELECT {COLUMNS} FROM staff WHERE name_key = $1 ORDER BY is_active DESC, staff_id DESC LIMIT 1");
    tx.query_opt(&sql, (name.key(),), staff_row)
}

/// Replaces what an owner writes of a person, if the person has this version and an owner who works here remains. `None`:
/// the person does not exist, has another version, or is the last owner.
pub(crate) fn update_staff(
    tx: &mut Tx<'_>,
    staff_id: StaffId,
    expected_version: Option<i64>,
    (name, role, is_active): (&StaffName, Role, bool),
) -> DbResult<Option<StaffRow>> {
    let sql = format!(
        "UPDATE staff SET name = $3, name_key = $4, role = $5, is_active = $6, version = version + 1
          WHERE staff_id = $1 AND version = COALESCE($2, version)
            AND (($5 = 'OWNER' AND $6 = 1) OR role <> 'OWNER' OR is_active = 0
                 OR EXISTS (SELECT 1 FROM staff AS other
                             WHERE other.role = 'OWNER' AND other.is_active = 1 AND other.staff_id <> $1))
         RETURNING {COLUMNS}"
    );
    let params = (staff_id, expected_version, name.as_str(), name.key(), role, is_active);
    tx.query_opt(&sql, params, staff_row)
}

/// Gives a person another PIN. `None`: there is no such person.
pub(crate) fn update_pin(tx: &mut Tx<'_>, staff_id: StaffId, pin_hash: &str) -> DbResult<Option<StaffRow>> {
    let sql = format!("UPDATE staff SET pin_hash = $2, version = version + 1 WHERE staff_id = $1 RETURNING {COLUMNS}");
    tx.query_opt(&sql, (staff_id, pin_hash), staff_row)
}

/// Notes that a person signs in, if they work here and their PIN is still the one that was verified. `None`: it is not.
pub(crate) fn note_sign_in(
    tx: &mut Tx<'_>,
    staff_id: StaffId,
    pin_hash: &str,
    device: Option<&str>,
    now: Timestamp,
) -> DbResult<Option<StaffRow>> {
    let sql = format!(
        "UPDATE staff SET signed_in_at = $3, signed_in_on = $4
          WHERE staff_id = $1 AND pin_hash = $2 AND is_active = 1
         RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, (staff_id, pin_hash, now, device), staff_row)
}

/// Counts an attempt to enter a PIN before it is verified; every fifth one locks. `None`: PINs of this id are locked.
pub(crate) fn count_attempt(tx: &mut Tx<'_>, staff_id: StaffId, now: Timestamp) -> DbResult<Option<PinAttempt>> {
    const SQL: &str = "
        INSERT INTO pin_attempts (staff_id, attempts, locked_until, last_at) VALUES ($1, 1, 0, $2)
        ON CONFLICT (staff_id) DO UPDATE SET attempts = pin_attempts.attempts + 1, last_at = $2, locked_until =
            CASE WHEN (pin_attempts.attempts + 1) % $3 <> 0 THEN pin_attempts.locked_until
                 WHEN (pin_attempts.attempts + 1) / $3 = 1 THEN $4
                 WHEN (pin_attempts.attempts + 1) / $3 = 2 THEN $5
                 WHEN (pin_attempts.attempts + 1) / $3 = 3 THEN $6
                 WHEN (pin_attempts.attempts + 1) / $3 = 4 THEN $7
                 WHEN (pin_attempts.attempts + 1) / $3 = 5 THEN $8
                 ELSE $9 END
         WHERE pin_attempts.locked_until <= $2
        RETURNING attempts, locked_until";
    let [first, second, third, fourth, fifth, later] = lock_ends(now);
    let params = (staff_id, now, ATTEMPTS_PER_LOCK, first, second, third, fourth, fifth, later);
    tx.query_opt(SQL, params, |row| {
        Ok(PinAttempt { attempts: row.get("attempts")?, locked_until: row.get("locked_until")? })
    })
}

/// Until when PINs of this id are locked. `None`: none was tried since the last right one.
pub(crate) fn find_lock(tx: &mut Tx<'_>, staff_id: StaffId) -> DbResult<Option<Timestamp>> {
    const SQL: &str = "SELECT locked_until FROM pin_attempts WHERE staff_id = $1";
    tx.query_opt(SQL, (staff_id,), |row| row.get("locked_until"))
}

/// Deletes the count of attempts. Returns how many there were.
pub(crate) fn take_attempts(tx: &mut Tx<'_>, staff_id: StaffId) -> DbResult<u32> {
    const SQL: &str = "DELETE FROM pin_attempts WHERE staff_id = $1 RETURNING attempts";
    Ok(tx.query_opt(SQL, (staff_id,), |row| row.get("attempts"))?.unwrap_or(0))
}

/// Lets a person try PINs again. The count goes on, so that the next lock is longer. Returns whether they were locked.
pub(crate) fn lift_lock(tx: &mut Tx<'_>, staff_id: StaffId, now: Timestamp) -> DbResult<bool> {
    const SQL: &str = "UPDATE pin_attempts SET locked_until = 0 WHERE staff_id = $1 AND locked_until > $2";
    Ok(tx.execute(SQL, (staff_id, now))? == 1)
}

/// Deletes at most `limit` attempts of ids that nobody has, if they are older than `before`, or if there are more than
/// `kept` newer ones.
pub(crate) fn prune_attempts(tx: &mut Tx<'_>, before: Timestamp, kept: u32, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM pin_attempts WHERE staff_id IN (
            SELECT a.staff_id FROM pin_attempts AS a
             WHERE NOT EXISTS (SELECT 1 FROM staff WHERE staff.staff_id = a.staff_id)
               AND (a.last_at < $1 OR a.last_at < (SELECT MIN(newer.last_at) FROM (
                    SELECT last_at FROM pin_attempts ORDER BY last_at DESC LIMIT $2) AS newer))
             ORDER BY a.last_at LIMIT $3)";
    tx.execute(SQL, (before, kept, limit))
}

/// A page of people, in the order in which they were added.
pub(crate) fn list_staff(
    tx: &mut Tx<'_>,
    include_inactive: bool,
    after: Option<StaffId>,
    limit: u32,
    now: Timestamp,
) -> DbResult<Vec<StaffView>> {
    let sql = format!("{SELECT_VIEW} WHERE s.is_active >= $2 AND s.staff_id > $3 ORDER BY s.staff_id LIMIT $4");
    // The empty text is before every id.
    let after = after.map_or_else(String::new, |id| id.to_string());
    tx.query(&sql, (now, i64::from(!include_inactive), after, limit), |row| staff_view(row, now))
}

/// One person, for the owner.
pub(crate) fn get_staff_view(tx: &mut Tx<'_>, staff_id: StaffId, now: Timestamp) -> DbResult<Option<StaffView>> {
    let sql = format!("{SELECT_VIEW} WHERE s.staff_id = $2");
    tx.query_opt(&sql, (now, staff_id), |row| staff_view(row, now))
}

/// The tiles of the people who work here, by name.
pub(crate) fn list_tiles(tx: &mut Tx<'_>, limit: u32, now: Timestamp) -> DbResult<Vec<StaffTile>> {
    let sql = format!("{SELECT_VIEW} WHERE s.is_active = 1 ORDER BY s.name_key LIMIT $2");
    tx.query(&sql, (now, limit), |row| {
        Ok(StaffTile {
            staff_id: row.get("staff_id")?,
            name: row.get("name")?,
            role: row.get("role")?,
            locked_until: locked_until(row, now)?,
            signed_in_since: row.get("signed_in_since")?,
        })
    })
}

fn staff_row(row: &Row<'_>) -> DbResult<StaffRow> {
    Ok(StaffRow {
        staff_id: row.get("staff_id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        is_active: row.get("is_active")?,
        pin_hash: row.get("pin_hash")?,
        version: row.get("version")?,
    })
}

fn staff_view(row: &Row<'_>, now: Timestamp) -> DbResult<StaffView> {
    Ok(StaffView {
        staff_id: row.get("staff_id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        is_active: row.get("is_active")?,
        signed_in_at: row.get("signed_in_at")?,
        signed_in_on: row.get("signed_in_on")?,
        created_at: row.get("created_at")?,
        version: row.get("version")?,
        failed_attempts: row.get::<Option<u32>>("attempts")?.unwrap_or(0),
        locked_until: locked_until(row, now)?,
        is_signed_in: row.get::<Option<Timestamp>>("signed_in_since")?.is_some(),
    })
}

/// A lock that is over is none.
fn locked_until(row: &Row<'_>, now: Timestamp) -> DbResult<Option<Timestamp>> {
    Ok(row.get::<Option<Timestamp>>("locked_until")?.filter(|until| *until > now))
}
