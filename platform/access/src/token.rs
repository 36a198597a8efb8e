//! Tokens: PASETO v4.public, which is Ed25519 over the claims. The footer names the key.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::{
    ids::{ApprovalId, DeviceId, SessionId, TokenKeyId},
    staff::{ApprovableAction, StaffRef},
    time::Timestamp,
};
use pasetors::{
    Public,
    keys::{AsymmetricKeyPair, AsymmetricPublicKey, AsymmetricSecretKey, Generate},
    token::UntrustedToken,
    version4::{PublicToken, V4},
};
use serde::{Deserialize, Serialize};

/// The longest token that is read. Ours have some 500 characters.
const TOKEN_CHARS_MAX: usize = 2_048;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose it is.
    #[serde(flatten)]
    pub subject: TokenSubject,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TokenSubject {
    /// A person who is signed in.
    Session {
        /// The session.
        session_id: SessionId,
        /// The person.
        staff: StaffRef,
        /// The device on which. `None`: one that is not paired.
        device_id: Option<DeviceId>,
    },
    /// A paired tablet.
    Device {
        /// The tablet.
        device_id: DeviceId,
    },
    /// A manager's approval, for the session that asked for it.
    Approval {
        /// The approval, which one act uses up.
        approval_id: ApprovalId,
        /// The session.
        session_id: SessionId,
        /// What is approved.
        action: ApprovableAction,
        /// The id of what it is approved for.
        subject: String,
        /// The manager.
        approved_by: StaffRef,
    },
}

/// A token is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token, or of another shop, or was changed.
    #[error("the token is not one of this shop")]
    Invalid,
    /// Its time is over.
    #[error("the token ended at {0}")]
    Expired(Timestamp),
    /// Its session ended, or its device was revoked.
    #[error("the token was revoked")]
    Revoked,
}

/// The public half of a key that signs tokens.
#[derive(Clone)]
pub struct PublicKey(AsymmetricPublicKey<V4>);

/// A text that is no [`PublicKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 32 bytes in base64url")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// The key with this text: 32 bytes in base64url.
    ///
    /// # Errors
    /// [`InvalidPublicKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidPublicKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidPublicKey)?;
        AsymmetricPublicKey::from(&bytes).map(Self).map_err(|_| InvalidPublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// Signs tokens. The secret key exists in memory alone: it ends with the process, and no backup holds it.
pub struct TokenIssuer {
    key_id: TokenKeyId,
    secret: AsymmetricSecretKey<V4>,
    public: PublicKey,
}

/// The system has no randomness for a key, or a token cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("a token cannot be signed")]
pub struct IssueError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl TokenIssuer {
    /// An issuer with a new key.
    ///
    /// # Errors
    /// [`IssueError`] if the system has no randomness.
    pub fn new(now: Timestamp) -> Result<Self, IssueError> {
        let pair = AsymmetricKeyPair::<V4>::generate().map_err(|error| IssueError(format!("{error:?}").into()))?;
        Ok(Self { key_id: TokenKeyId::new(now), secret: pair.secret, public: PublicKey(pair.public) })
    }

    /// The id of its key.
    #[must_use]
    pub fn key_id(&self) -> TokenKeyId {
        self.key_id
    }

    /// The public half of its key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// A token of `subject` that ends `lifetime` after `now`, and when that is.
    ///
    /// # Errors
    /// [`IssueError`] if it cannot be signed.
    pub fn issue(
        &self,
        subject: TokenSubject,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<(String, Timestamp), IssueError> {
        let expires_at = now + lifetime;
        let claims = serde_json::to_vec(&Claims { subject, expires_at }).map_err(|error| IssueError(error.into()))?;
        let footer = self.key_id.to_string();
        let token = PublicToken::sign(&self.secret, &claims, Some(footer.as_bytes()), None)
            .map_err(|error| IssueError(format!("{error:?}").into()))?;
        Ok((token, expires_at))
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// A token whose signature is right.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    pub(crate) claims: Claims,
    /// The key that signed it.
    pub(crate) key_id: TokenKeyId,
}

/// The claims of a token whose signature is right. `key` finds the public key of an id.
///
/// # Errors
/// [`TokenError::Invalid`].
pub(crate) fn read(token: &str, key: impl FnOnce(TokenKeyId) -> Option<PublicKey>) -> Result<Verified, TokenError> {
    if token.len() > TOKEN_CHARS_MAX {
        return Err(TokenError::Invalid);
    }
    let untrusted = UntrustedToken::<Public, V4>::try_from(token).map_err(|_| TokenError::Invalid)?;
    let footer = std::str::from_utf8(untrusted.untrusted_footer()).map_err(|_| TokenError::Invalid)?;
    let key_id = footer.parse().map_err(|_| TokenError::Invalid)?;
    let key = key(key_id).ok_or(TokenError::Invalid)?;
    let trusted =
        PublicToken::verify(&key.0, &untrusted, Some(footer.as_bytes()), None).map_err(|_| TokenError::Invalid)?;
    let claims = serde_json::from_str(trusted.payload()).map_err(|_| TokenError::Invalid)?;
    Ok(Verified { claims, key_id })
}
