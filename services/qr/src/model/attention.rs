//! What the staff's board shows: paid codes that wait for a person, and in which order.

use std::{fmt, str::FromStr, time::Duration};

use contracts::{Word, qr::CodeStatus, time::Micros};

/// A machine pours a cup in a minute and waits another for its guest; a lease of this age has a machine that is stuck,
/// dead or without a network.
const OLD_LEASE_AGE: Duration = Duration::from_secs(3 * 60);

/// What waits, the most pressing first: a decision, a machine that may be dead, a code that can be reissued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Review,
    OldLease,
    Expired,
}

impl Rank {
    pub(crate) const ALL: [Self; 3] = [Self::Review, Self::OldLease, Self::Expired];

    pub(crate) fn status(self) -> CodeStatus {
        match self {
            Self::Review => CodeStatus::Review,
            Self::OldLease => CodeStatus::Leased,
            Self::Expired => CodeStatus::Expired,
        }
    }

    /// Only codes that changed up to then wait.
    pub(crate) fn changed_until(self, now: Micros) -> Micros {
        match self {
            Self::Review | Self::Expired => Micros(i64::MAX),
            Self::OldLease => now - OLD_LEASE_AGE,
        }
    }
}

/// The last code of a page: its rank, when it changed, and the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) rank: Rank,
    pub(crate) changed_at: Micros,
    pub(crate) code: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.rank.status().word(), self.changed_at.0, self.code)
    }
}
impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let (status, at, code) = (parts.next().ok_or(())?, parts.next().ok_or(())?, parts.next().ok_or(())?);
        let rank = Rank::ALL.into_iter().find(|rank| rank.status().word() == status).ok_or(())?;
        Ok(Self { rank, changed_at: Micros(at.parse().map_err(|_| ())?), code: super::read_code(code).ok_or(())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for rank in Rank::ALL {
            let cursor = Cursor { rank, changed_at: Micros(42), code: "QR-20261122-01AB1CDE0FGH1JKM".into() };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for other in ["", "REVIEW", "REVIEW.1", "USED.1.QR-20261122-01AB1CDE0FGH1JKM", "REVIEW.x.y", "REVIEW.1.menu"] {
            assert_eq!(other.parse::<Cursor>(), Err(()), "{other:?}");
        }
    }

    #[test]
    fn a_lease_waits_for_a_person_once_it_is_old() {
        let now = Micros(1_800_000_000_000_000);
        assert_eq!(Rank::OldLease.changed_until(now), now - Duration::from_secs(180));
        assert!(Rank::Review.changed_until(now) > now);
    }
}
