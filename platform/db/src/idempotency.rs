//! Idempotency keys: a request that is sent again gets the response of its first success.
//!
//! Write jobs call [`once`]. It takes the lock of the key first: on PostgreSQL, where write jobs run concurrently, a
//! retry waits for the original request, and returns its response instead of a conflict with its effects.

use contracts::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{DbError, DbResult, Tx};

/// Identifies a request: the same caller, route and key mean the same request, which must have the same body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who sent it.
    pub caller: String,
    /// Method and path.
    pub route: String,
    /// The `Idempotency-Key` that the caller chose.
    pub key: String,
    /// A hash of the body.
    pub fingerprint: String,
}

/// Why there is no earlier response to return.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used with another body.
    #[error("the key {key:?} was used for another request. Take a new key for a new request")]
    KeyReused {
        /// Which key.
        key: String,
    },
    /// The database failed.
    #[error("the idempotency key cannot be looked up or saved")]
    Db(#[from] DbError),
}

/// The response to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The request was executed now.
    First(T),
    /// The request was executed before, and this was its response.
    Repeated(T),
}

impl<T> Answer<T> {
    /// The response, whichever it is.
    pub fn into_inner(self) -> T {
        match self {
            Self::First(answer) | Self::Repeated(answer) => answer,
        }
    }
}

/// Runs `execute` and saves its response under `key`, unless the same request was executed before: then returns the
/// saved response. Without a key, `execute` always runs. A failure is not saved, so a retry executes the request again.
///
/// # Errors
/// [`IdempotencyError::KeyReused`] if the key was used with another body; those of `execute`.
pub fn once<T, E>(
    tx: &mut Tx<'_>,
    key: Option<&IdempotencyKey>,
    now: Timestamp,
    execute: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> Result<Answer<T>, E>
where
    T: Serialize + DeserializeOwned,
    E: From<DbError> + From<IdempotencyError>,
{
    if let Some(earlier) = find_response(tx, key)? {
        return Ok(Answer::Repeated(earlier));
    }
    let response = execute(tx)?;
    save_response(tx, key, &response, now)?;
    Ok(Answer::First(response))
}

/// The response to the first success of this request, if there was one. Takes the lock of the key until the transaction
/// ends. Prefer [`once`].
///
/// # Errors
/// [`IdempotencyError::KeyReused`] if the key was used with another body.
pub fn find_response<T: DeserializeOwned>(
    tx: &mut Tx<'_>,
    key: Option<&IdempotencyKey>,
) -> Result<Option<T>, IdempotencyError> {
    const SQL: &str = "
        SELECT fingerprint, response FROM idempotency_keys
         WHERE caller = $1 AND route = $2 AND key = $3";
    let Some(key) = key else { return Ok(None) };
    tx.lock_key(&format!("{}\n{}\n{}", key.caller, key.route, key.key))?;
    let saved = tx.query_opt(SQL, (&key.caller, &key.route, &key.key), |row| {
        Ok((row.get::<String>("fingerprint")?, row.get::<String>("response")?))
    })?;
    match saved {
        None => Ok(None),
        Some((fingerprint, response)) if fingerprint == key.fingerprint => {
            Ok(Some(serde_json::from_str(&response).map_err(DbError::from)?))
        }
        Some(_) => Err(IdempotencyError::KeyReused { key: key.key.clone() }),
    }
}

/// Saves the response to a request that succeeded, in the transaction of its effects. If the same request was committed
/// meanwhile, this transaction is rolled back and its job runs again, to find that response. Prefer [`once`].
pub(crate) fn save_response<T: Serialize>(
    tx: &mut Tx<'_>,
    key: Option<&IdempotencyKey>,
    response: &T,
    now: Timestamp,
) -> DbResult<()> {
    const SQL: &str = "
        INSERT INTO idempotency_keys (caller, route, key, fingerprint, response, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (caller, route, key) DO NOTHING";
    let Some(key) = key else { return Ok(()) };
    let response = crate::json(response)?;
    match tx.execute(SQL, (&key.caller, &key.route, &key.key, &key.fingerprint, response, now))? {
        0 => Err(tx.collision(DbError::Unique { constraint: "idempotency_keys".into() })),
        _ => Ok(()),
    }
}

/// Deletes at most `limit` responses that were saved before `before`. Returns how many.
pub fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> DbResult<u64> {
    const SQL: &str = "
        DELETE FROM idempotency_keys
         WHERE (caller, route, key) IN
               (SELECT caller, route, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    tx.execute(SQL, (before, limit))
}
