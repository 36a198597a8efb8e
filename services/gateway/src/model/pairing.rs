//! Pairing codes, and how many guesses of them are allowed.

use std::{
    collections::HashMap,
    fmt,
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
use web::sha256_hex;

/// The most pairing codes that wait to be used: an owner pairs a whole shop at once, and no more.
pub(crate) const PAIRING_CODES_MAX: u32 = 20;
/// How long a pairing code is valid.
pub(crate) const PAIRING_CODE_VALIDITY: Duration = Duration::from_secs(10 * 60);

/// The most wrong codes in a minute, of all other machines together.
///
/// A code has eight digits. With 30 guesses in each minute and 10 of this machine, 440 at most fall into the ten minutes
/// of a code: it is found with a probability of 440 in 10^8, once in 220,000 codes; if all twenty codes are open at once,
/// one of them with one in 11,000. Who finds one is a device that the owner sees in the list and did not add.
///
/// Beyond them a right code is refused too. If it were not, each further guess would still tell whether it is right, and
/// there would be no bound. Who has several addresses can therefore keep tablets from pairing while they guess; the log
/// of requests has the addresses.
const WRONG_CODES_PER_MINUTE_MAX: u32 = 30;
/// The most wrong codes in a minute from one network, or from this machine: people mistype. This machine's do not count
/// among those of all others, so that no guest keeps whoever stands at it from pairing it.
const WRONG_CODES_PER_MINUTE_AND_SOURCE_MAX: u32 = 10;
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
        sha256_hex(&self.0)
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

/// Where a guess comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum GuessSource {
    /// From this machine.
    Machine,
    /// From another: its IPv4 address, or the /64 network of its IPv6 address.
    Network(IpAddr),
}

/// Counts wrong codes, by the minute.
#[derive(Debug, Default)]
pub(crate) struct PairingGuesses(Mutex<Guesses>);

#[derive(Debug, Default)]
struct Guesses {
    minute: i64,
    /// Of all other machines.
    of_others: u32,
    /// At most one entry for each of the wrong codes of the minute.
    by_source: HashMap<GuessSource, u32>,
}

impl PairingGuesses {
    /// Counts a code before it is looked up, so that many at once are counted too.
    ///
    /// # Errors
    /// How long to wait, if there were too many wrong ones.
    pub(crate) fn begin(&self, source: GuessSource, now: Timestamp) -> Result<(), Duration> {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute_micros = i64::try_from(MINUTE.as_micros()).unwrap_or(i64::MAX);
        let minute = now.0.div_euclid(minute_micros);
        if guesses.minute != minute {
            *guesses = Guesses { minute, ..Guesses::default() };
        }
        let of_source = guesses.by_source.get(&source).copied().unwrap_or(0);
        let are_others_refused = source != GuessSource::Machine && guesses.of_others >= WRONG_CODES_PER_MINUTE_MAX;
        if are_others_refused || of_source >= WRONG_CODES_PER_MINUTE_AND_SOURCE_MAX {
            let passed = u64::try_from(now.0.rem_euclid(minute_micros)).unwrap_or(0);
            return Err(MINUTE.saturating_sub(Duration::from_micros(passed)));
        }
        if source != GuessSource::Machine {
            guesses.of_others += 1;
        }
        guesses.by_source.insert(source, of_source + 1);
        Ok(())
    }

    /// The code was right: it was no guess.
    pub(crate) fn forgive(&self, source: GuessSource) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if source != GuessSource::Machine {
            guesses.of_others = guesses.of_others.saturating_sub(1);
        }
        if let Some(of_source) = guesses.by_source.get_mut(&source) {
            *of_source = of_source.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn address(last: u8) -> GuessSource {
        GuessSource::Network([192, 168, 1, last].into())
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
        assert!(guesses.begin(address(10), NOW).is_err());
        let own = (0..100).filter(|_| guesses.begin(GuessSource::Machine, NOW).is_ok()).count();
        assert_eq!(own, 10, "guests cannot keep the machine itself from pairing, and it has a bound too");
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
