//! What a process knows of credentials: keys, devices, and sessions that ended.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clock::Clock;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{DeviceId, ProductId, SessionId, TokenKeyId},
    time::Timestamp,
};
use moka::sync::Cache;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{
    Approval, Caller, PublicKey, TokenError, TokenSubject,
    token::{self, InvalidPublicKey, Verified},
};

/// How many verified tokens are kept: more than any shop has in use.
const VERIFIED_TOKENS_MAX: u64 = 4_096;
/// How long a wait for the end of a credential sleeps at most before it looks at the clock again.
const EXPIRY_CHECK: Duration = Duration::from_secs(5);
/// How long a session that ended is kept after its tokens: a clock that was set ahead can be set back.
const ENDED_SESSIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What this process knows of credentials. Clones share it.
#[derive(Clone)]
pub struct Access(Arc<Shared>);

struct Shared {
    clock: Clock,
    known: RwLock<Known>,
    /// Tokens whose signature was verified. Whether they are still valid is checked at each use.
    verified: Cache<String, Arc<Verified>>,
    changes: watch::Sender<()>,
    /// Whether changes were missed, so that what is known must be read again from where it is stored.
    is_reload_needed: AtomicBool,
}

#[derive(Default)]
struct Known {
    keys: HashMap<TokenKeyId, (PublicKey, Timestamp)>,
    /// Keys that were revoked, and when their tokens end by themselves.
    revoked_keys: HashMap<TokenKeyId, Timestamp>,
    devices: HashMap<DeviceId, Arc<PairedDevice>>,
    /// Sessions that ended, and when their tokens end by themselves.
    ended_sessions: HashMap<SessionId, Timestamp>,
}

/// A paired device.
#[derive(Clone, Debug)]
pub struct PairedDevice {
    /// Its id.
    pub device_id: DeviceId,
    /// What it is.
    pub kind: DeviceKind,
    /// Its name in lists.
    pub name: String,
    /// The letters before the numbers of its orders.
    pub letter: Option<String>,
    /// Where it stands.
    pub place: Option<String>,
    /// The products that a dispenser pours. Empty: all.
    pub products: Vec<ProductId>,
    /// The rate of a dispenser's pump.
    pub ml_per_second: Option<u32>,
    /// Whether a dispenser may send its key as a bearer token.
    pub is_bearer_allowed: bool,
    /// Whether it may still call.
    pub is_revoked: bool,
    /// Grows with every change.
    pub version: i64,
    /// A dispenser's key.
    pub signing_key: Option<SigningKey>,
    /// Grows with every key that a dispenser gets.
    pub key_version: i64,
    /// When it last called, in microseconds; 0 once that was taken. Its later states share it.
    seen_at: Arc<AtomicI64>,
}

/// The key that a dispenser and the shop share.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; 32]>);

/// A text that is no [`SigningKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is 32 bytes in base64url")]
pub struct InvalidSigningKey;

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// The key with this text: 32 bytes in base64url.
    ///
    /// # Errors
    /// [`InvalidSigningKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidSigningKey> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSigningKey)?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| InvalidSigningKey)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Its bytes, to compute with.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `other` is the same key, without telling by its time how much of it is.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }

    /// Its text, to store it and to hand it to the device.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.0)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(****)")
    }
}

impl Access {
    /// Knows nothing yet: every credential is invalid.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let shared = Shared {
            clock,
            known: RwLock::default(),
            verified: Cache::new(VERIFIED_TOKENS_MAX),
            changes: watch::Sender::new(()),
            is_reload_needed: AtomicBool::new(false),
        };
        Self(Arc::new(shared))
    }

    /// From now on, tokens that this key signed are valid, unless it was revoked.
    pub fn add_key(&self, key_id: TokenKeyId, key: PublicKey, expires_at: Timestamp) {
        let now = self.0.clock.now();
        self.change(|known| {
            known.keys.retain(|_, (_, expires_at)| *expires_at > now);
            if !known.revoked_keys.contains_key(&key_id) {
                known.keys.insert(key_id, (key, expires_at));
            }
        });
    }

    /// The same, with the key as events carry it.
    ///
    /// # Errors
    /// If the text is no key.
    pub fn add_key_text(&self, key_id: TokenKeyId, key: &str, expires_at: Timestamp) -> Result<(), InvalidPublicKey> {
        self.add_key(key_id, PublicKey::parse(key)?, expires_at);
        Ok(())
    }

    /// From now on, tokens that this key signed are not valid, also if an event adds it again. They end by themselves at
    /// `expires_at`.
    pub fn revoke_key(&self, key_id: TokenKeyId, expires_at: Timestamp) {
        let now = self.0.clock.now();
        self.change(|known| {
            known.keys.remove(&key_id);
            known.revoked_keys.retain(|_, expires_at| *expires_at > now);
            known.revoked_keys.insert(key_id, expires_at);
        });
    }

    /// Changes were missed: whoever has the stored state must give it to this process again.
    pub fn request_reload(&self) {
        self.0.is_reload_needed.store(true, Ordering::Release);
    }

    /// Whether [`request_reload`](Self::request_reload) was called since the last time that this was asked.
    #[must_use]
    pub fn take_reload_request(&self) -> bool {
        self.0.is_reload_needed.swap(false, Ordering::AcqRel)
    }

    /// The device is as `view` says, unless a newer state is known. Without a `signing_key` it keeps the one that it has,
    /// unless `view` is of a newer key: the old one must not count as that.
    pub fn put_device(&self, view: &DeviceView, signing_key: Option<SigningKey>) {
        self.change(|known| {
            let earlier = known.devices.get(&view.device_id);
            if earlier.is_some_and(|earlier| earlier.version > view.version) {
                return;
            }
            let same_key = earlier.filter(|earlier| earlier.key_version == view.key_version);
            let signing_key = signing_key.or_else(|| same_key?.signing_key.clone());
            let seen_at = earlier.map(|earlier| Arc::clone(&earlier.seen_at)).unwrap_or_default();
            let device = PairedDevice {
                device_id: view.device_id,
                kind: view.kind,
                name: view.name.clone(),
                letter: view.letter.clone(),
                place: view.place.clone(),
                products: view.products.clone(),
                ml_per_second: view.ml_per_second,
                is_bearer_allowed: view.is_bearer_allowed,
                is_revoked: view.revoked_at.is_some(),
                version: view.version,
                signing_key,
                key_version: view.key_version,
                seen_at,
            };
            known.devices.insert(view.device_id, Arc::new(device));
        });
    }

    /// The tokens of a session are no longer valid. They end by themselves at `expires_at`.
    pub fn end_session(&self, session_id: SessionId, expires_at: Timestamp) {
        let now = self.0.clock.now();
        self.change(|known| {
            known.ended_sessions.retain(|_, expires_at| *expires_at + ENDED_SESSIONS_KEPT > now);
            known.ended_sessions.insert(session_id, expires_at);
        });
    }

    /// The device with this id, unless it is unknown or revoked.
    #[must_use]
    pub fn device(&self, device_id: DeviceId) -> Option<Arc<PairedDevice>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.devices.get(&device_id).filter(|device| !device.is_revoked).cloned()
    }

    /// The device calls now.
    pub fn touch(&self, device: &PairedDevice) {
        device.seen_at.store(self.0.clock.now().0, Ordering::Relaxed);
    }

    /// The devices that called since the last time that this was asked, and when.
    #[must_use]
    pub fn take_seen(&self) -> Vec<(DeviceId, Timestamp)> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let seen = known.devices.values().map(|device| (device.device_id, device.seen_at.swap(0, Ordering::Relaxed)));
        seen.filter(|(_, at)| *at != 0).map(|(device_id, at)| (device_id, Timestamp(at))).collect()
    }

    /// Who sends this token: one of [`TokenIssuer`](crate::TokenIssuer), or a dispenser's `<deviceId>.<key>`.
    ///
    /// # Errors
    /// [`TokenError`] if it is not valid now.
    pub fn caller(&self, token: &str) -> Result<Caller, TokenError> {
        let caller = self.holder(token)?;
        if let Some(device) = &caller.device {
            self.touch(device);
        }
        Ok(caller)
    }

    fn holder(&self, token: &str) -> Result<Caller, TokenError> {
        if let Some((device_id, key)) = token.split_once('.')
            && let Ok(device_id) = device_id.parse()
        {
            return self.key_holder(device_id, key);
        }
        let verified = self.verified(token)?;
        let claims = &verified.claims;
        let (expires_at, key_id) = (Some(claims.expires_at), Some(verified.key_id));
        match &claims.subject {
            TokenSubject::Session { session_id, staff, device_id } => {
                self.refuse_ended(*session_id)?;
                let device = device_id.map(|id| self.device(id).ok_or(TokenError::Revoked)).transpose()?;
                let (staff, session_id) = (Some(staff.clone()), Some(*session_id));
                Ok(Caller { staff, session_id, device, expires_at, key_id, ..Caller::default() })
            }
            TokenSubject::Device { device_id } => {
                let device = self.device(*device_id).ok_or(TokenError::Revoked)?;
                Ok(Caller { device: Some(device), expires_at, key_id, ..Caller::default() })
            }
            TokenSubject::Approval { .. } => Err(TokenError::Invalid),
        }
    }

    /// The dispenser that sends its key as a bearer token, if the owner allows that.
    fn key_holder(&self, device_id: DeviceId, key: &str) -> Result<Caller, TokenError> {
        let sent = SigningKey::parse(key).map_err(|_| TokenError::Invalid)?;
        let device = self.device(device_id).filter(|device| device.is_bearer_allowed).ok_or(TokenError::Revoked)?;
        match &device.signing_key {
            Some(key) if key.matches(&sent) => Ok(Caller { device: Some(device), ..Caller::default() }),
            _ => Err(TokenError::Invalid),
        }
    }

    /// What this token approves for the session of `caller`.
    ///
    /// # Errors
    /// [`TokenError`] if it is not valid now, or for another session.
    pub fn approval(&self, token: &str, caller: &Caller) -> Result<Approval, TokenError> {
        let verified = self.verified(token)?;
        match &verified.claims.subject {
            TokenSubject::Approval { approval_id, session_id, action, subject, approved_by }
                if caller.session_id == Some(*session_id) =>
            {
                let (approval_id, action) = (*approval_id, *action);
                Ok(Approval { approval_id, action, subject: subject.clone(), approved_by: approved_by.clone() })
            }
            _ => Err(TokenError::Invalid),
        }
    }

    /// Whether the credential of `caller` is still valid.
    #[must_use]
    pub fn is_valid(&self, caller: &Caller) -> bool {
        let has_expired = caller.expires_at.is_some_and(|expires_at| expires_at <= self.0.clock.now());
        let has_ended = caller.session_id.is_some_and(|session_id| self.refuse_ended(session_id).is_err());
        let is_revoked = caller.device_id().is_some_and(|device_id| self.device(device_id).is_none());
        let is_key_revoked = caller.key_id.is_some_and(|key_id| self.key(key_id).is_none());
        !has_expired && !has_ended && !is_revoked && !is_key_revoked
    }

    /// Returns when the credential of `caller` is no longer valid: for streams, which outlive their request.
    pub async fn ended(&self, caller: &Caller) {
        let mut changes = self.0.changes.subscribe();
        while self.is_valid(caller) {
            // The sender lives as long as `self`. The clock is looked at now and then, because it may be set.
            let _changed = tokio::time::timeout(EXPIRY_CHECK, changes.changed()).await;
        }
    }

    fn verified(&self, token: &str) -> Result<Arc<Verified>, TokenError> {
        let verified = match self.0.verified.get(token) {
            Some(verified) => verified,
            None => self.verify(token)?,
        };
        if verified.claims.expires_at <= self.0.clock.now() {
            return Err(TokenError::Expired(verified.claims.expires_at));
        }
        // The key may have been revoked since the signature was verified.
        if self.key(verified.key_id).is_none() {
            return Err(TokenError::Revoked);
        }
        Ok(verified)
    }

    fn verify(&self, token: &str) -> Result<Arc<Verified>, TokenError> {
        let verified = Arc::new(token::read(token, |key_id| self.key(key_id))?);
        self.0.verified.insert(token.to_owned(), Arc::clone(&verified));
        Ok(verified)
    }

    fn key(&self, key_id: TokenKeyId) -> Option<PublicKey> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(&key_id).map(|(key, _)| key.clone())
    }

    fn refuse_ended(&self, session_id: SessionId) -> Result<(), TokenError> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.ended_sessions.contains_key(&session_id) { Err(TokenError::Revoked) } else { Ok(()) }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.0.known.write().unwrap_or_else(PoisonError::into_inner));
        self.0.changes.send_replace(());
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}
