//! The SQL of `audit_log` and `audit_head`. Entries are inserted, and never updated or deleted.

use contracts::{
    audit::{AuditArea, AuditView},
    ids::{DeviceId, StaffId},
    time::Timestamp,
};
use db::{DbResult, Row, ToValue, Tx, Value};
use serde_json::value::{RawValue, to_raw_value};

use crate::model::{AuditColumns, ChainHead, ChainPosition, ChainedEntry, search_text};

/// Which entries a list shows, newest first. `None`: any.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter {
    /// Acts of this time or later.
    pub(crate) from: Option<Timestamp>,
    /// Acts before this time.
    pub(crate) before: Option<Timestamp>,
    /// What this person did or approved.
    pub(crate) staff_id: Option<StaffId>,
    pub(crate) device_id: Option<DeviceId>,
    pub(crate) area: Option<AuditArea>,
    pub(crate) action: Option<String>,
    pub(crate) subject: Option<String>,
    /// A part of the label, the subject or a person's name, in any case.
    pub(crate) text: Option<String>,
    /// The last entry of the page before.
    pub(crate) after: Option<i64>,
}

/// Counts one entry more, and locks the head until the transaction ends. Returns its number, and the hash before it.
pub(crate) fn next_audit_sequence(tx: &mut Tx<'_>) -> DbResult<(i64, String)> {
    const SQL: &str = "
        UPDATE audit_head SET last_sequence = last_sequence + 1
         WHERE id = 1
        RETURNING last_sequence, last_hash";
    tx.query_one(SQL, (), |row| Ok((row.get("last_sequence")?, row.get("last_hash")?)))
}

/// Adds an entry at the end of the chain.
pub(crate) fn insert_audit_entry(tx: &mut Tx<'_>, chained: &ChainedEntry) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO audit_log (sequence, entry, previous_hash, hash, acted_at, area, action, subject, search_text,
                               staff_id, device_id, approved_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let columns = &chained.columns;
    let params = (
        chained.sequence,
        &chained.entry,
        &chained.previous_hash,
        &chained.hash,
        columns.acted_at,
        &columns.area,
        &columns.action,
        &columns.subject,
        &columns.search_text,
        columns.staff_id.as_deref(),
        columns.device_id.as_deref(),
        columns.approved_by.as_deref(),
    );
    tx.execute(SQL, params).map(drop)
}

/// Sets the hash of the entry that was counted last.
pub(crate) fn set_audit_head_hash(tx: &mut Tx<'_>, hash: &str) -> DbResult<()> {
    const SQL: &str = "UPDATE audit_head SET last_hash = $1 WHERE id = 1";
    tx.execute(SQL, (hash,)).map(drop)
}

/// The end of the chain, as the head and the entries say: one statement, so that no entry is added between.
pub(crate) fn get_audit_head(tx: &mut Tx<'_>) -> DbResult<ChainHead> {
    const SQL: &str = "
        SELECT last_sequence, last_hash, (SELECT COALESCE(MAX(sequence), 0) FROM audit_log) AS highest_sequence
          FROM audit_head WHERE id = 1";
    tx.query_one(SQL, (), |row| {
        let last = ChainPosition { sequence: row.get("last_sequence")?, hash: row.get("last_hash")? };
        Ok(ChainHead { last, highest_sequence: row.get("highest_sequence")? })
    })
}

/// Up to `limit` entries after the number `after` and not behind the number `last`, in their order.
pub(crate) fn list_audit_chain(tx: &mut Tx<'_>, after: i64, last: i64, limit: u32) -> DbResult<Vec<ChainedEntry>> {
    const SQL: &str = "SELECT * FROM audit_log WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3";
    tx.query(SQL, (after, last, limit), |row| {
        Ok(ChainedEntry {
            sequence: row.get("sequence")?,
            entry: row.get("entry")?,
            previous_hash: row.get("previous_hash")?,
            hash: row.get("hash")?,
            columns: columns_from_row(row)?,
        })
    })
}

fn columns_from_row(row: &Row<'_>) -> DbResult<AuditColumns> {
    Ok(AuditColumns {
        acted_at: row.get("acted_at")?,
        area: row.get("area")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        search_text: row.get("search_text")?,
        staff_id: row.get("staff_id")?,
        device_id: row.get("device_id")?,
        approved_by: row.get("approved_by")?,
    })
}

/// The hash of the entry with this number.
pub(crate) fn find_audit_hash(tx: &mut Tx<'_>, sequence: i64) -> DbResult<Option<String>> {
    const SQL: &str = "SELECT hash FROM audit_log WHERE sequence = $1";
    tx.query_opt(SQL, (sequence,), |row| row.get("hash"))
}

/// Up to `limit` entries, the newest first.
pub(crate) fn list_audit(tx: &mut Tx<'_>, filter: &AuditFilter, limit: u32) -> DbResult<Vec<AuditView>> {
    let mut conditions = Conditions::default();
    conditions.add("acted_at >= ?", filter.from);
    conditions.add("acted_at < ?", filter.before);
    conditions.add("(staff_id = ? OR approved_by = ?)", filter.staff_id);
    conditions.add("device_id = ?", filter.device_id);
    conditions.add("area = ?", filter.area.map(<&str>::from));
    conditions.add("action = ?", filter.action.as_deref());
    conditions.add("subject = ?", filter.subject.as_deref());
    let pattern = filter.text.as_deref().map(|text| db::like_contains(&search_text(text)));
    conditions.add("search_text LIKE ? ESCAPE '!'", pattern);
    conditions.add("sequence < ?", filter.after);
    let Conditions { sql, mut values } = conditions;
    values.push(Value::of(limit));
    let sql = format!("SELECT * FROM audit_log WHERE 1 = 1{sql} ORDER BY sequence DESC LIMIT ${}", values.len());
    tx.query(&sql, values, view_from_row)
}

/// The conditions of a list, each with its value.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition, in which each `?` stands for the value. Adds nothing without a value.
    fn add(&mut self, condition: &str, value: Option<impl ToValue>) {
        let Some(value) = value else { return };
        self.values.push(value.to_value());
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &format!("${}", self.values.len())));
    }
}

fn view_from_row(row: &Row<'_>) -> DbResult<AuditView> {
    let entry: String = row.get("entry")?;
    // A text that somebody made unreadable is shown as it is, and hides no other entry.
    let entry = RawValue::from_string(entry.clone()).or_else(|_| to_raw_value(&entry))?;
    Ok(AuditView {
        sequence: row.get("sequence")?,
        entry,
        previous_hash: row.get("previous_hash")?,
        hash: row.get("hash")?,
    })
}
