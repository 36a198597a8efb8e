//! The SQL of `token_keys`.

use contracts::{event::TokenKeyAdded, ids::TokenKeyId, time::Timestamp};
use db::{DbResult, Row, Tx};

/// Inserts the public half of a key.
pub(crate) fn insert_token_key(tx: &mut Tx<'_>, key: &TokenKeyAdded, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "INSERT INTO token_keys (key_id, public_key, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(SQL, (key.key_id, &key.public_key, now, key.expires_at)).map(drop)
}

/// The keys whose tokens may still be valid.
pub(crate) fn list_token_keys(tx: &mut Tx<'_>, now: Timestamp) -> DbResult<Vec<TokenKeyAdded>> {
    const SQL: &str =
        "SELECT key_id, public_key, expires_at FROM token_keys WHERE expires_at > $1 AND revoked_at IS NULL";
    tx.query(SQL, (now,), token_key)
}

/// Revokes every key. Returns how many there were whose tokens might still have been valid.
pub(crate) fn revoke_token_keys(tx: &mut Tx<'_>, now: Timestamp) -> DbResult<u64> {
    const SQL: &str = "UPDATE token_keys SET revoked_at = $1 WHERE expires_at > $1 AND revoked_at IS NULL";
    tx.execute(SQL, (now,))
}

/// The keys that were revoked, and when their tokens end by themselves.
pub(crate) fn list_revoked_keys(tx: &mut Tx<'_>, now: Timestamp) -> DbResult<Vec<(TokenKeyId, Timestamp)>> {
    const SQL: &str = "SELECT key_id, expires_at FROM token_keys WHERE expires_at > $1 AND revoked_at IS NOT NULL";
    tx.query(SQL, (now,), |row| Ok((row.get("key_id")?, row.get("expires_at")?)))
}

/// Deletes at most `limit` keys whose tokens ended before `before`. Returns how many.
pub(crate) fn prune_token_keys(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM token_keys WHERE key_id IN (
            SELECT key_id FROM token_keys WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}

fn token_key(row: &Row<'_>) -> DbResult<TokenKeyAdded> {
    Ok(TokenKeyAdded {
        key_id: row.get("key_id")?,
        public_key: row.get("public_key")?,
        expires_at: row.get("expires_at")?,
    })
}
