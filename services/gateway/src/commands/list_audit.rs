//! `GET /api/Audit`, and `fnb audit-log list`.

use std::time::Duration;

use contracts::{Page, audit::AuditView, time::Timestamp};
use db::{Db, DbError};

use super::AuditTrail;
use crate::{
    model::Moment,
    store::{self, AuditFilter},
};

/// How far back a text is searched if the list does not say from when: every entry of that time is read.
const TEXT_SEARCH_MAX: Duration = Duration::from_secs(31 * 24 * 60 * 60);

impl AuditTrail {
    /// A page of entries, the newest first, from the moment `from` to the end of `to`.
    pub(crate) async fn list_audit(
        &self,
        mut filter: AuditFilter,
        (from, to): (Option<Moment>, Option<Moment>),
        limit: u32,
    ) -> Result<Page<AuditView>, DbError> {
        let shop = self.shop.current();
        let since = || filter.text.is_some().then(|| self.clock.now() - TEXT_SEARCH_MAX);
        filter.from = from.map(|from| from.starts_at(&shop)).or_else(since);
        filter.before = to.map(|to| to.ends_at(&shop));
        let entries = self.db.read(move |tx| store::list_audit(tx, &filter, limit + 1)).await?;
        Ok(Page::of(entries, limit, |entry| entry.sequence))
    }
}

/// The newest entries of the audit trail in `db`, at most `limit`; only those that were made at `since` or later.
pub async fn list_audit_log(db: &Db, since: Option<Timestamp>, limit: u32) -> Result<Vec<AuditView>, DbError> {
    let filter = AuditFilter { from: since, ..AuditFilter::default() };
    db.read(move |tx| store::list_audit(tx, &filter, limit)).await
}

/// The hash of the entry with this number in the audit trail in `db`.
pub async fn find_audit_hash(db: &Db, sequence: i64) -> Result<Option<String>, DbError> {
    db.read(move |tx| store::find_audit_hash(tx, sequence)).await
}
