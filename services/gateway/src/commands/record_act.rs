//! The event ActAudited: an act becomes the last entry of the audit trail.

use contracts::audit::AuditEntry;
use db::{
    DbError, DbResult, Tx,
    inbox::{self, Delivery},
};

use super::AuditTrail;
use crate::{
    model::{AuditColumns, ChainedEntry, entry_hash},
    store,
};

impl AuditTrail {
    /// Adds the act to the end of the chain, once for each event.
    pub(crate) async fn record_act(&self, delivery: Delivery, act: AuditEntry) -> Result<(), DbError> {
        let now = self.clock.now();
        let (entry, columns) = (db::json(&act)?, AuditColumns::of(&act));
        let recorded = self
            .db
            .write_deferred(move |tx| inbox::once(tx, delivery, now, |tx| append(tx, entry.clone(), columns.clone())));
        recorded.await.map(drop)
    }
}

/// The head is locked first, so that of two acts at once one follows the other.
fn append(tx: &mut Tx<'_>, entry: String, columns: AuditColumns) -> DbResult<()> {
    let (sequence, previous_hash) = store::next_audit_sequence(tx)?;
    let hash = entry_hash(&previous_hash, sequence, &entry);
    let chained = ChainedEntry { sequence, entry, previous_hash, hash, columns };
    store::insert_audit_entry(tx, &chained)?;
    store::set_audit_head_hash(tx, &chained.hash)
}
