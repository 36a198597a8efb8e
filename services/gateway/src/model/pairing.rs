//! Pairing codes, and how many guesses of them are allowed.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use contracts::{
    audit::Actor,
    device::{DeviceKind, PAIRING_CODE_DIGITS},
    ids::DeviceId,
    time::Timestamp,
};
use sha2::{Digest, Sha256};

/// The most pairing codes that wait to be used: an owner pairs a whole shop at once, and no more.
pub(crate) const PAIRING_CODES_MAX: u32 = 20;
/// How long a pairing code is valid.
pub(crate) const PAIRING_CODE_VALIDITY: Duration = Duration::from_secs(10 * 60);

/// The most wrong codes in a minute, of everyone together.
///
/// A code has eight digits. With 30 guesses in each minute, 330 at most fall into the ten minutes of a code: it is found
/// with a probability of 330 in 10^8, once in 300,000 codes; if all twenty codes are open at once, one of them with one
/// in 15,000. Who finds one is a device that the owner sees in the list and did not add.
const WRONG_CODES_PER_MINUTE_MAX: u32 = 30;
/// The most wrong codes in a minute from one address: people mistype, and one guest must not keep the owner from pairing.
const WRONG_CODES_PER_MINUTE_AND_PEER_MAX: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// The eight digits of a pairing code. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PairingCode(String);

impl PairingCode {
    /// A code that nobody can guess.
    pub(crate) fn random() -> Self {
        // 10^8 divides 2^64 with a remainder that favours no code by more than one in 10^11.
        let number = rand::random::<u64>() % 10_u64.pow(PAIRING_CODE_DIGITS as u32);
        Self(format!("{number:0width$}", width = PAIRING_CODE_DIGITS))
    }

    /// The code in a text; people group its digits by spaces. `None`: not eight digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|char| *char != ' ').take(PAIRING_CODE_DIGITS + 1).collect();
        let is_code = digits.len() == PAIRING_CODE_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_code.then_some(Self(digits))
    }

    pub(crate) fn digits(&self) -> &str {
        &self.0
    }

    /// The SHA-256 under which the code is stored.
    pub(crate) fn hash(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _always_fits = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingCode(****)")
    }
}

/// What a pairing code makes of a device.
#[derive(Clone, Debug)]
pub(crate) struct Pairing {
    pub(crate) kind: DeviceKind,
    pub(crate) name: String,
    pub(crate) place: Option<String>,
    /// The device that is paired again.
    pub(crate) device_id: Option<DeviceId>,
    /// Who made the code.
    pub(crate) created_by: Actor,
    pub(crate) expires_at: Timestamp,
}

/// Counts wrong codes, by the minute.
#[derive(Debug, Default)]
pub(crate) struct PairingGuesses(Mutex<Guesses>);

#[derive(Debug, Default)]
struct Guesses {
    minute: i64,
    total: u32,
    /// At most one entry for each of the wrong codes of the minute.
    by_peer: HashMap<Option<IpAddr>, u32>,
}

impl PairingGuesses {
    /// Counts a code before it is looked up, so that many at once are counted too.
    ///
    /// # Errors
    /// How long to wait, if there were too many wrong ones.
    pub(crate) fn begin(&self, peer: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute_micros = i64::try_from(MINUTE.as_micros()).unwrap_or(i64::MAX);
        let minute = now.0.div_euclid(minute_micros);
        if guesses.minute != minute {
            *guesses = Guesses { minute, ..Guesses::default() };
        }
        let of_peer = guesses.by_peer.get(&peer).copied().unwrap_or(0);
        if guesses.total >= WRONG_CODES_PER_MINUTE_MAX || of_peer >= WRONG_CODES_PER_MINUTE_AND_PEER_MAX {
            let passed = u64::try_from(now.0.rem_euclid(minute_micros)).unwrap_or(0);
            return Err(MINUTE.saturating_sub(Duration::from_micros(passed)));
        }
        guesses.total += 1;
        guesses.by_peer.insert(peer, of_peer + 1);
        Ok(())
    }

    /// The code was right: it was no guess.
    pub(crate) fn forgive(&self, peer: Option<IpAddr>) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.total = guesses.total.saturating_sub(1);
        if let Some(of_peer) = guesses.by_peer.get_mut(&peer) {
            *of_peer = of_peer.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 168, 1, last].into())
    }

    #[test]
    fn a_code_is_eight_digits_as_people_write_them() {
        assert_eq!(PairingCode::parse("4827 1936").unwrap().digits(), "48271936");
        for wrong in ["", "4827193", "482719360", "4827193a", "４８２７１９３６"] {
            assert_eq!(PairingCode::parse(wrong), None, "{wrong}");
        }
        let random = PairingCode::random();
        assert_eq!(PairingCode::parse(random.digits()), Some(random.clone()));
        assert_eq!((random.hash().len(), format!("{random:?}").as_str()), (64, "PairingCode(****)"));
    }

    #[test]
    fn wrong_codes_are_bounded_for_each_address_and_for_all_together() {
        let guesses = PairingGuesses::default();
        let allowed =
            (0..100).flat_map(|_| (1..=9).map(address)).filter(|peer| guesses.begin(*peer, NOW).is_ok()).count();
        assert_eq!(allowed, 30);
        let one = PairingGuesses::default();
        assert_eq!((0..100).filter(|_| one.begin(address(1), NOW).is_ok()).count(), 10);
        assert!(one.begin(address(2), NOW).is_ok(), "another one may still pair");
        let wait = one.begin(address(1), NOW).unwrap_err();
        assert!(one.begin(address(1), NOW + wait).is_ok());
    }

    #[test]
    fn right_codes_are_not_counted() {
        let guesses = PairingGuesses::default();
        for _ in 0..100 {
            guesses.begin(address(1), NOW).unwrap();
            guesses.forgive(address(1));
        }
    }
}
