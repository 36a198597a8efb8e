//! `fnb credentials reset`: on the machine itself, beside the shop or without it.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    time::Timestamp,
};
use db::{Db, DbError, outbox};

use crate::{NAME, store};

/// Ends every token that was ever issued: everyone signs in again, and every tablet is paired again. A process that runs
/// the shop follows within seconds. Dispensers, which have keys and no tokens, stay paired. Returns how many keys of
/// tokens were revoked.
///
/// # Errors
/// If the database cannot be read or written.
pub async fn reset_credentials(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    db.write(move |tx| {
        let revoked = store::token_keys::revoke_token_keys(tx, now)?;
        let entry =
            AuditEntry::new(Actor::terminal(), AuditArea::Device, "credentials.reset", NAME, "Every token", now);
        outbox::append_act(tx, entry)?;
        Ok(revoked)
    })
    .await
}
