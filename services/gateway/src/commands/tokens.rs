//! The key that signs tokens: a new one at each start and each day, in memory alone.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use access::{Access, TokenIssuer};
use clock::Clock;
use contracts::{event::TokenKeyAdded, time::Timestamp};
use db::{Db, DbError, outbox};
use errors::BoxError;
use host::ServiceContext;

use crate::store;

/// The longest life of a token: a tablet's.
pub(crate) const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// How often the key is replaced.
pub(crate) const KEY_ROTATION: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a key signs at most: a day longer, for a timer that is late.
const KEY_SIGNS_MAX: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Signs tokens with the newest key of this process. Clones share it.
#[derive(Clone)]
pub(crate) struct Tokens {
    db: Db,
    clock: Clock,
    access: Access,
    issuer: Arc<RwLock<Arc<TokenIssuer>>>,
}

/// There is no new key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenKeyError {
    /// No key can be made.
    #[error("a key for tokens cannot be made")]
    Key(#[source] BoxError),
    /// The keys cannot be stored or read.
    #[error("the keys of tokens cannot be read or written")]
    Db(#[from] DbError),
}

impl Tokens {
    /// Makes a key, and makes this process know what earlier ones signed and which sessions ended.
    pub(crate) async fn start(db: Db, context: &ServiceContext) -> Result<Self, TokenKeyError> {
        let (clock, access) = (context.clock.clone(), context.access.clone());
        let issuer = new_issuer(clock.now())?;
        let tokens = Self { db, clock, access, issuer: Arc::new(RwLock::new(Arc::new(issuer))) };
        tokens.add_key(&tokens.issuer()).await?;
        tokens.load().await?;
        Ok(tokens)
    }

    /// The issuer with the newest key.
    pub(crate) fn issuer(&self) -> Arc<TokenIssuer> {
        Arc::clone(&self.issuer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the key. What the old one signed stays valid.
    pub(crate) async fn rotate(&self) -> Result<(), TokenKeyError> {
        let issuer = Arc::new(new_issuer(self.clock.now())?);
        self.add_key(&issuer).await?;
        *self.issuer.write().unwrap_or_else(PoisonError::into_inner) = issuer;
        Ok(())
    }

    /// Stores the public half and publishes it, before the first token that it signs.
    async fn add_key(&self, issuer: &TokenIssuer) -> Result<(), TokenKeyError> {
        let now = self.clock.now();
        let expires_at = now + KEY_SIGNS_MAX + TOKEN_LIFETIME_MAX;
        let added = TokenKeyAdded { key_id: issuer.key_id(), public_key: issuer.public_key().to_string(), expires_at };
        self.db
            .write::<_, DbError, _>(move |tx| {
                store::token_keys::insert_token_key(tx, &added, now)?;
                outbox::append(tx, &added, now)
            })
            .await?;
        self.access.add_key(issuer.key_id(), issuer.public_key().clone(), expires_at);
        Ok(())
    }

    /// Refuses the tokens of keys that were revoked. If the newest is one of them, there is another from now on.
    pub(crate) async fn refuse_revoked_keys(&self) -> Result<(), TokenKeyError> {
        let now = self.clock.now();
        let revoked = self.db.read::<_, DbError, _>(move |tx| store::token_keys::list_revoked_keys(tx, now)).await?;
        for (key_id, expires_at) in &revoked {
            self.access.revoke_key(*key_id, *expires_at);
        }
        let newest = self.issuer().key_id();
        if revoked.iter().any(|(key_id, _)| *key_id == newest) {
            self.rotate().await?;
            tracing::warn!(
                "the keys of tokens were revoked: everyone signs in again, and every tablet is paired again"
            );
        }
        Ok(())
    }

    /// Makes this process know the keys that count, those that were revoked, and the sessions that ended.
    pub(crate) async fn load(&self) -> Result<(), TokenKeyError> {
        self.refuse_revoked_keys().await?;
        let now = self.clock.now();
        let (keys, ended) = self
            .db
            .read::<_, DbError, _>(move |tx| {
                Ok((store::token_keys::list_token_keys(tx, now)?, store::sessions::list_ended_sessions(tx)?))
            })
            .await?;
        for key in keys {
            self.access
                .add_key_text(key.key_id, &key.public_key, key.expires_at)
                .map_err(|error| TokenKeyError::Key(error.into()))?;
        }
        for session in ended {
            self.access.end_session(session.session_id, session.expires_at);
        }
        Ok(())
    }
}

fn new_issuer(now: Timestamp) -> Result<TokenIssuer, TokenKeyError> {
    TokenIssuer::new(now).map_err(|error| TokenKeyError::Key(error.into()))
}
