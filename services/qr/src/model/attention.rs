//! What the staff's board shows: codes that wait for a person, and in which order.

use std::{fmt, str::FromStr, time::Duration};

use contracts::{qr::AttentionReason, time::Timestamp};

/// A machine pours a cup in a minute and waits another for its guest; a lease of this age has a machine that is stuck,
/// dead or without a network.
const OLD_LEASE_AGE: Duration = Duration::from_secs(3 * 60);

/// Only codes that changed up to then wait for this reason.
pub(crate) fn waits_if_changed_until(reason: AttentionReason, now: Timestamp) -> Timestamp {
    match reason {
        AttentionReason::PouredTwice | AttentionReason::InReview | AttentionReason::Expired => Timestamp(i64::MAX),
        AttentionReason::OldLease => now - OLD_LEASE_AGE,
    }
}

/// The last code of a page: why it waits, when it changed, and the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) reason: AttentionReason,
    pub(crate) changed_at: Timestamp,
    pub(crate) code: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.reason, self.changed_at.0, self.code)
    }
}
impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let (reason, at, code) = (parts.next().ok_or(())?, parts.next().ok_or(())?, parts.next().ok_or(())?);
        let reason = reason.parse().map_err(|_| ())?;
        Ok(Self { reason, changed_at: Timestamp(at.parse().map_err(|_| ())?), code: super::read_code(code).ok_or(())? })
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for reason in AttentionReason::VARIANTS {
            let code = "QR-20261122-01AB1CDE0FGH1JKM".into();
            let cursor = Cursor { reason: *reason, changed_at: Timestamp(42), code };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for other in
            ["", "in_review", "in_review.1", "used.1.QR-20261122-01AB1CDE0FGH1JKM", "expired.x.y", "expired.1.menu"]
        {
            assert_eq!(other.parse::<Cursor>(), Err(()), "{other:?}");
        }
    }

    #[test]
    fn a_lease_waits_for_a_person_once_it_is_old() {
        let now = Timestamp(1_800_000_000_000_000);
        let until = |reason| waits_if_changed_until(reason, now);
        assert_eq!(until(AttentionReason::OldLease), now - Duration::from_secs(180));
        assert!(until(AttentionReason::InReview) > now);
    }
}
