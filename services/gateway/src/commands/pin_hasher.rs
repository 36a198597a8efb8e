//! Hashes PINs with argon2id, a few at once.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use contracts::staff::Pin;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::error::{PinHashError, PinQueueFull};

/// How many PINs are hashed at once: each takes a core and 19 MiB of memory.
const HASHES_AT_ONCE: usize = 2;
/// How many PINs may wait for that: a shift that signs in at once, in under a second.
const QUEUE_PLACES: usize = 16;
/// The length of a salt, as the PHC format recommends.
const SALT_BYTES: usize = 16;
/// The salt and the hash of a PIN that nobody has.
const NOBODYS: &str = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a hash costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PinCost {
    memory_kib: u32,
    passes: u32,
}

impl PinCost {
    /// What OWASP recommends for argon2id.
    pub(crate) const OWASP: Self = Self { memory_kib: 19 * 1_024, passes: 2 };
    /// Next to nothing, for tests that try thousands of PINs.
    #[cfg(test)]
    pub(crate) const CHEAP: Self = Self { memory_kib: 8, passes: 1 };
}

/// Hashes PINs and verifies them. Clones share the queue.
#[derive(Clone)]
pub(crate) struct PinHasher(Arc<Shared>);

struct Shared {
    argon2: Argon2<'static>,
    /// A hash that costs as much as any, and that no PIN has.
    nobodys: String,
    places: Arc<Semaphore>,
    running: Semaphore,
}

/// A place in the queue.
pub(crate) struct QueuePlace(#[expect(dead_code, reason = "held until the PIN is hashed")] OwnedSemaphorePermit);

impl PinHasher {
    /// A hasher of this cost.
    pub(crate) fn new(cost: PinCost) -> Result<Self, PinHashError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)?;
        let nobodys = format!("$argon2id$v=19$m={},t={},p=1${NOBODYS}", cost.memory_kib, cost.passes);
        let shared = Shared {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            nobodys,
            places: Arc::new(Semaphore::new(HASHES_AT_ONCE + QUEUE_PLACES)),
            running: Semaphore::new(HASHES_AT_ONCE),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// A place in the queue. Taken before an attempt is counted: what is counted is verified too.
    pub(crate) fn queue(&self) -> Result<QueuePlace, PinQueueFull> {
        match Arc::clone(&self.0.places).try_acquire_owned() {
            Ok(permit) => Ok(QueuePlace(permit)),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(PinQueueFull),
        }
    }

    /// The hash of a PIN, with a salt of its own, in the PHC format.
    pub(crate) async fn hash(&self, place: QueuePlace, pin: Pin) -> Result<String, PinHashError> {
        let hashed = self.run(place, move |hasher| {
            let salt: [u8; SALT_BYTES] = rand::random();
            hasher.argon2.hash_password_with_salt(pin.digits().as_bytes(), &salt).map(|hash| hash.to_string())
        });
        hashed.await
    }

    /// Whether the PIN has this hash. Without a hash it has not, after the same time.
    pub(crate) async fn verify(&self, place: QueuePlace, pin: Pin, hash: Option<String>) -> Result<bool, PinHashError> {
        let verified = self.run(place, move |hasher| {
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(&hasher.nobodys))?;
            match hasher.argon2.verify_password(pin.digits().as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        });
        verified.await
    }

    async fn run<T: Send + 'static>(
        &self,
        place: QueuePlace,
        job: impl FnOnce(&Shared) -> Result<T, password_hash::Error> + Send + 'static,
    ) -> Result<T, PinHashError> {
        let _running = self.0.running.acquire().await?;
        let shared = Arc::clone(&self.0);
        // The place is free when the thread is, also if the caller has left.
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            job(&shared)
        });
        Ok(done.await??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digits: &str) -> Pin {
        Pin::new(digits).unwrap()
    }

    #[tokio::test]
    async fn a_pin_has_its_hash_and_no_other_has_it() {
        let hasher = PinHasher::new(PinCost::CHEAP).unwrap();
        let hash = hasher.hash(hasher.queue().unwrap(), pin("2580")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        for (tried, is_right) in [("2580", true), ("2581", false), ("02580", false)] {
            let verified = hasher.verify(hasher.queue().unwrap(), pin(tried), Some(hash.clone())).await.unwrap();
            assert_eq!(verified, is_right, "{tried}");
        }
        assert!(!hasher.verify(hasher.queue().unwrap(), pin("2580"), None).await.unwrap());
        assert!(hasher.verify(hasher.queue().unwrap(), pin("2580"), Some("2580".into())).await.is_err());
    }

    #[tokio::test]
    async fn hashes_cost_what_owasp_recommends() {
        let hasher = PinHasher::new(PinCost::OWASP).unwrap();
        let hash = hasher.hash(hasher.queue().unwrap(), pin("2580")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!hasher.verify(hasher.queue().unwrap(), pin("2580"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_takes_again_when_a_place_is_free() {
        let hasher = PinHasher::new(PinCost::CHEAP).unwrap();
        let mut places: Vec<QueuePlace> = std::iter::from_fn(|| hasher.queue().ok()).collect();
        assert_eq!(places.len(), HASHES_AT_ONCE + QUEUE_PLACES);
        hasher.hash(places.pop().unwrap(), pin("2580")).await.unwrap();
        assert!(hasher.queue().is_ok());
    }
}
