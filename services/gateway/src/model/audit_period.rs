//! From when to when the audit trail is listed: moments, or the shop's business days.

use std::{str::FromStr, time::Duration};

use contracts::{
    shop::ShopRules,
    time::{BusinessDay, Timestamp},
};

/// A moment, or a business day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A moment.
    Time(Timestamp),
    /// A business day.
    Day(BusinessDay),
}

/// A text that is no [`Moment`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is neither a business day such as 2026-11-22 nor a time such as 2026-11-22T09:30:00Z (RFC 3339)")]
pub(crate) struct InvalidMoment;

impl Moment {
    /// Its first instant.
    pub(crate) fn starts_at(self, shop: &ShopRules) -> Timestamp {
        match self {
            Self::Time(time) => time,
            Self::Day(day) => shop.day_starts_at(day),
        }
    }

    /// The first instant after it.
    pub(crate) fn ends_at(self, shop: &ShopRules) -> Timestamp {
        match self {
            Self::Time(time) => time + Duration::from_micros(1),
            Self::Day(day) => shop.day_starts_at(day.next()),
        }
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        // A day also parses as the first part of a time, so the length decides.
        const DAY_CHARS: usize = "2026-11-22".len();
        if text.len() == DAY_CHARS {
            return text.parse().map(Self::Day).map_err(|_| InvalidMoment);
        }
        text.parse().map(Self::Time).map_err(|_| InvalidMoment)
    }
}

#[cfg(test)]
mod tests {
    use contracts::shop::ShopSettings;

    use super::*;

    fn bounds(text: &str) -> (String, String) {
        let shop = ShopRules::new(ShopSettings::default()).unwrap();
        let moment: Moment = text.parse().unwrap();
        (moment.starts_at(&shop).to_string(), moment.ends_at(&shop).to_string())
    }

    #[test]
    fn a_business_day_is_from_cutoff_to_cutoff() {
        let day = ("2026-11-21T21:00:00Z".to_owned(), "2026-11-22T21:00:00Z".to_owned());
        assert_eq!(bounds("2026-11-22"), day, "04:00 in Jakarta");
    }

    #[test]
    fn a_time_is_its_own_microsecond() {
        let time = ("2026-11-22T02:00:00Z".to_owned(), "2026-11-22T02:00:00.000001Z".to_owned());
        assert_eq!(bounds("2026-11-22T09:00:00+07:00"), time);
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "today", "2026-11-31", "2026-11-22T09:00", "22/11/2026"] {
            assert_eq!(wrong.parse::<Moment>(), Err(InvalidMoment), "{wrong:?}");
        }
    }
}
