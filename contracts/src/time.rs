//! Instants and business days.

use std::{fmt, ops, str::FromStr, time::Duration};

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

/// An instant: microseconds since 1970-01-01T00:00:00Z. RFC 3339 in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub(crate) fn seconds_and_nanos(self) -> (u64, u32) {
        let since_epoch = Duration::from_micros(self.0.try_into().unwrap_or(0));
        (since_epoch.as_secs(), since_epoch.subsec_nanos())
    }

    /// The time from `earlier` to this. Zero if this is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    fn to_jiff(self) -> jiff::Timestamp {
        let limit = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(limit)
    }
}

impl ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}
impl ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_jiff(), f)
    }
}
impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<jiff::Timestamp>()?.as_microsecond()))
    }
}
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| de::Error::custom(format!("{text:?} is not an RFC 3339 time such as 2026-11-22T09:30:00Z")))
    }
}
impl utoipa::PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}
impl utoipa::ToSchema for Timestamp {}

/// A day of trade: it ends at the shop's cut-off instead of midnight, so that one evening's sales are one day's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BusinessDay(civil::Date);

impl BusinessDay {
    /// The business day of `instant` in this time zone, if days end at `cutoff` local time.
    #[must_use]
    pub fn of(instant: Timestamp, time_zone: &TimeZone, cutoff: civil::Time) -> Self {
        let local = time_zone.to_datetime(instant.to_jiff());
        let date = local.date();
        Self(if local.time() < cutoff { date.yesterday().unwrap_or(date) } else { date })
    }

    /// The first instant of the day in this time zone, if days end at `cutoff` local time. A cut-off that the clock skips is
    /// later by as much; of one that it shows twice, the first counts.
    #[must_use]
    pub fn starts_at(self, time_zone: &TimeZone, cutoff: civil::Time) -> Timestamp {
        let local = self.0.to_datetime(cutoff);
        // Outside the calendar there are no sales.
        let instant = time_zone.to_timestamp(local).map_or(i64::MAX, jiff::Timestamp::as_microsecond);
        Timestamp(instant)
    }

    /// The day after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    /// The day as eight digits, as in codes: `20261122`.
    #[must_use]
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%d").to_string()
    }

    /// The day that is `days` before this one, or the first day that there is.
    #[must_use]
    pub fn days_earlier(self, days: u32) -> Self {
        let span = jiff::Span::new().try_days(days);
        Self(span.map_or(civil::Date::MIN, |span| self.0.saturating_sub(span)))
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl FromStr for BusinessDay {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}
impl utoipa::PartialSchema for BusinessDay {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Date);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}
impl utoipa::ToSchema for BusinessDay {}

#[cfg(test)]
mod tests {
    use super::*;

    fn day_of(instant: &str) -> String {
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        BusinessDay::of(instant.parse().unwrap(), &jakarta, civil::time(4, 0, 0, 0)).to_string()
    }

    #[test]
    fn a_sale_before_the_cutoff_counts_for_the_day_before() {
        assert_eq!(day_of("2026-11-21T20:59:59Z"), "2026-11-21"); // 03:59:59 in Jakarta
        assert_eq!(day_of("2026-11-21T21:00:00Z"), "2026-11-22"); // 04:00
    }

    #[test]
    fn before_the_first_day_there_is_none() {
        let day: BusinessDay = "2026-11-22".parse().unwrap();
        assert_eq!(day.days_earlier(22).to_string(), "2026-10-31");
        assert_eq!(day.days_earlier(u32::MAX), BusinessDay(civil::Date::MIN));
    }

    #[test]
    fn a_business_day_starts_at_the_cutoff_of_its_date() {
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        let day: BusinessDay = "2026-11-22".parse().unwrap();
        let start = day.starts_at(&jakarta, civil::time(4, 0, 0, 0));
        assert_eq!(start.to_string(), "2026-11-21T21:00:00Z");
        assert_eq!(BusinessDay::of(start, &jakarta, civil::time(4, 0, 0, 0)), day);
        assert_eq!(day.next().to_string(), "2026-11-23");
    }

    #[test]
    fn an_instant_is_rfc_3339_in_json() {
        let instant: Timestamp = "2026-11-22T09:30:00.000001Z".parse().unwrap();
        assert_eq!(serde_json::to_string(&instant).unwrap(), r#""2026-11-22T09:30:00.000001Z""#);
        assert_eq!(serde_json::from_str::<Timestamp>(r#""2026-11-22T16:30:00.000001+07:00""#).unwrap(), instant);
    }

    #[test]
    fn a_duration_between_instants_is_never_negative() {
        let (earlier, later) = (Timestamp(1_000_000), Timestamp(3_500_000));
        assert_eq!(later.since(earlier), Duration::from_millis(2_500));
        assert_eq!(earlier.since(later), Duration::ZERO);
        assert_eq!(earlier + Duration::from_millis(2_500), later);
        assert_eq!(later - Duration::from_millis(2_500), earlier);
    }

    #[test]
    fn an_instant_outside_the_calendar_is_shown_as_its_last_or_first_day() {
        assert!(Timestamp(i64::MAX).to_string().starts_with("9999-12-30"), "{}", Timestamp(i64::MAX));
        assert!(Timestamp(i64::MIN).to_string().starts_with("-009999-01-0"), "{}", Timestamp(i64::MIN));
    }

    #[test]
    fn a_day_has_eight_digits_in_codes() {
        assert_eq!("2026-11-22".parse::<BusinessDay>().unwrap().compact(), "20261122");
    }
}
