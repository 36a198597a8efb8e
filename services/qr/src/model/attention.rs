//! The staff's attention list: which codes wait for staff, and the cursor between its pages.

use std::{fmt, str::FromStr, time::Duration};

use contracts::{qr::AttentionReason, time::Timestamp};

/// A device pours a cup within a minute and waits another minute for the guest. If it holds a lease for longer, it is
/// stuck, dead or without a network.
const OLD_LEASE_AGE: Duration = Duration::from_secs(3 * 60);

/// When a code must have changed to be on the list: up to `until`, or after `ahead_of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChangedWithin {
    pub(crate) until: Timestamp,
    /// A row that changed later than this was written while the clock ran ahead, so its age is unknown and it counts as
    /// old.
    pub(crate) ahead_of: Timestamp,
}

/// Which codes are listed for this reason, by the time of their last change.
pub(crate) fn changed_within(reason: AttentionReason, now: Timestamp) -> ChangedWithin {
    match reason {
        AttentionReason::PouredTwice | AttentionReason::InReview | AttentionReason::Expired => {
            ChangedWithin { until: Timestamp(i64::MAX), ahead_of: Timestamp(i64::MAX) }
        }
        AttentionReason::OldLease => {
            ChangedWithin { until: now - OLD_LEASE_AGE, ahead_of: now + super::CLOCK_TOLERANCE }
        }
    }
}

/// The last code of a page: why it is listed, when it changed, and the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) reason: AttentionReason,
    pub(crate) changed_at: Timestamp,
    pub(crate) code: String,
}

/// A text that is not a cursor of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.reason, self.changed_at.0, self.code)
    }
}
impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.splitn(3, '.');
        let (Some(reason), Some(at), Some(code)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidCursor);
        };
        Ok(Self {
            reason: reason.parse().map_err(|_| InvalidCursor)?,
            changed_at: Timestamp(at.parse().map_err(|_| InvalidCursor)?),
            code: super::parse_code(code).ok_or(InvalidCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_cursor_is_parsed_as_it_was_written_and_nothing_else_is_one() {
        for reason in AttentionReason::VARIANTS {
            let code = "QR-20261122-01AB1CDE0FGH1JKM".into();
            let cursor = Cursor { reason: *reason, changed_at: Timestamp(42), code };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for other in
            ["", "in_review", "in_review.1", "used.1.QR-20261122-01AB1CDE0FGH1JKM", "expired.x.y", "expired.1.menu"]
        {
            assert_eq!(other.parse::<Cursor>(), Err(InvalidCursor), "{other:?}");
        }
    }

    #[test]
    fn a_lease_is_listed_once_it_is_old() {
        let now = Timestamp(1_800_000_000_000_000);
        assert_eq!(changed_within(AttentionReason::OldLease, now).until, now - Duration::from_secs(180));
        assert!(changed_within(AttentionReason::InReview, now).until > now);
    }
}
