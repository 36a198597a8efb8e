//! Idempotency keys: a request that is sent again gets the first success again.
//!
//! Call [`find_response`] first in the write: on PostgreSQL, where writes run beside each other, it makes a request wait for
//! its twin, which may have changed what this one would then refuse.

use contracts::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{DbError, DbResult, Tx};

/// Which request: caller, route, key and a fingerprint of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who sent it. Another caller's key is another key.
    pub caller: String,
    /// Method and path.
    pub route: String,
    /// The `Idempotency-Key` that the caller chose.
    pub key: String,
    /// A hash of the body.
    pub fingerprint: String,
}

/// FailureKind an earlier answer is not given again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyError {
    /// The key belongs to another body.
    #[error("the key {key:?} was used for another request. Take a new key for a new request")]
    KeyReused {
        /// Which key.
        key: String,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The answer of a request that carried a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The request was carried out just now.
    First(T),
    /// The request was carried out before: this is what it was answered.
    Repeated(T),
}

impl<T> Answer<T> {
    /// The answer, whichever it is.
    pub fn into_inner(self) -> T {
        match self {
            Self::First(answer) | Self::Repeated(answer) => answer,
        }
    }
}

/// Runs `make` and keeps its answer under `key`, unless the same request was carried out before: then that answer is
/// given again. Without a key `make` always runs. A failure is not kept.
///
/// # Errors
/// [`IdempotencyError::KeyReused`] if the key came with another body before; those of `make`.
pub fn once<T, E>(
    tx: &mut Tx<'_>,
    key: Option<&IdempotencyKey>,
    now: Timestamp,
    make: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> Result<Answer<T>, E>
where
    T: Serialize + DeserializeOwned,
    E: From<DbError> + From<IdempotencyError>,
{
    if let Some(earlier) = find_response(tx, key)? {
        return Ok(Answer::Repeated(earlier));
    }
    let answer = make(tx)?;
    save_response(tx, key, &answer, now)?;
    Ok(Answer::First(answer))
}

/// The first success of this request, if there was one.
///
/// # Errors
/// [`IdempotencyError::KeyReused`] where the key came with another body.
pub fn find_response<T: DeserializeOwned>(
    tx: &mut Tx<'_>,
    key: Option<&IdempotencyKey>,
) -> Result<Option<T>, IdempotencyError> {
    const SQL: &str = "
        SELECT fingerprint, response FROM idempotency_keys
         WHERE caller = $1 AND route = $2 AND key = $3";
    let Some(key) = key else { return Ok(None) };
    tx.lock_key(&format!("{}\n{}\n{}", key.caller, key.route, key.key))?;
    let kept = tx.query_opt(SQL, (&key.caller, &key.route, &key.key), |row| {
        Ok((row.get::<String>("fingerprint")?, row.get::<String>("response")?))
    })?;
    match kept {
        None => Ok(None),
        Some((fingerprint, answer)) if fingerprint == key.fingerprint => {
            Ok(Some(serde_json::from_str(&answer).map_err(DbError::from)?))
        }
        Some(_) => Err(IdempotencyError::KeyReused { key: key.key.clone() }),
    }
}

/// Keeps the answer of a request that succeeded, in the transaction of its effect. When the same request was
/// committed meanwhile, nothing of this one is kept, and the job is run again to find the other's answer.
///
/// # Errors
/// Where the statement fails.
pub fn save_response<T: Serialize>(
    tx: &mut Tx<'_>,
    key: Option<&IdempotencyKey>,
    answer: &T,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO idempotency_keys (caller, route, key, fingerprint, response, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (caller, route, key) DO NOTHING";
    let Some(key) = key else { return Ok(()) };
    let answer = crate::json(answer)?;
    match tx.execute(SQL, (&key.caller, &key.route, &key.key, &key.fingerprint, answer, now))? {
        0 => Err(tx.collided(DbError::Unique { constraint: "idempotency_keys".into() })),
        _ => Ok(()),
    }
}

/// Forgets answers that were made before `before`, at most `limit` of them; answers how many.
///
/// # Errors
/// Where the statement fails.
pub fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM idempotency_keys
         WHERE (caller, route, key) IN
               (SELECT caller, route, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}
