//! Money: integers of minor units with their currency, and the decimals that JSON shows for them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use utoipa::openapi::{Object, ObjectBuilder, RefOr, Schema, Type};

/// A currency by its ISO 4217 code, such as `IDR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The rupiah.
    pub const IDR: Self = Self(*b"IDR");

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals a price has in trade. ISO 4217 gives the rupiah two; no shop has used them for decades.
    #[must_use]
    pub const fn decimals(self) -> u8 {
        match &self.0 {
            b"IDR" | b"JPY" | b"KRW" | b"VND" | b"CLP" | b"ISK" | b"PYG" | b"UGX" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

/// The text is not a currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters such as IDR (ISO 4217)")]
pub struct InvalidCurrency;

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| InvalidCurrency)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(InvalidCurrency) }
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
impl utoipa::PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Z]{3}$")).into()
    }
}
impl utoipa::ToSchema for Currency {}

/// An amount of money: a count of the currency's minor units (Rp25.000 is 25000, $4.50 is 450).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units; negative if money goes the other way.
    pub minor: i64,
    /// The currency they are units of.
    pub currency: Currency,
}

/// A sum or product of money does not fit, or mixes currencies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More than an `i64` of minor units.
    #[error("the amount is too large to be counted")]
    TooLarge,
    /// More decimals than the currency has.
    #[error("{amount} has more decimals than {currency} has ({decimals})", decimals = currency.decimals())]
    TooManyDecimals {
        /// The amount as it was written.
        amount: Amount,
        /// The currency that it was to be in.
        currency: Currency,
    },
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added: the shop has one currency")]
    MixedCurrencies {
        /// The sum's currency.
        left: Currency,
        /// The other one.
        right: Currency,
    },
}

impl Money {
    /// `minor` units of `currency`.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// No money, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`], [`MoneyError::MixedCurrencies`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`], [`MoneyError::MixedCurrencies`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        let minor = other.minor.checked_neg().ok_or(MoneyError::TooLarge)?;
        self.plus(Self { minor, ..other })
    }

    /// This amount `quantity` times.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// The amount as JSON and people write it, in major units.
    #[must_use]
    pub fn amount(self) -> Amount {
        Amount { unscaled: self.minor, decimals: self.currency.decimals() }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.amount())
    }
}

/// An exact decimal in major units, read from its text and written back as it is: 25000, 4.5.
///
/// Money as JSON has it, without its currency; [`Amount::money`] adds that. No float is involved.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    unscaled: i64,
    decimals: u8,
}

/// The bounds of an amount for its schema: 15 digits.
const AMOUNT_MIN: f64 = -999_999_999_999_999.0;
const AMOUNT_MAX: f64 = 999_999_999_999_999.0;
/// No currency has more than three decimals.
const AMOUNT_STEP: f64 = 0.001;

/// The text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a plain decimal number such as 25000 or 4.5, with at most 15 digits")]
pub struct InvalidAmount;

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self { unscaled: 0, decimals: 0 };
    /// Enough for any shop, and exact in every consumer of JSON (2^53 has 16 digits).
    const DIGITS_MAX: usize = 15;

    /// A whole number of major units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self { unscaled: units, decimals: 0 }
    }

    /// This amount as money of `currency`.
    ///
    /// # Errors
    /// [`MoneyError::TooManyDecimals`] if the currency has fewer decimals, [`MoneyError::TooLarge`].
    pub fn money(self, currency: Currency) -> Result<Money, MoneyError> {
        if self.trimmed().decimals > currency.decimals() {
            return Err(MoneyError::TooManyDecimals { amount: self, currency });
        }
        let minor = self.scaled(currency.decimals()).ok_or(MoneyError::TooLarge)?;
        Ok(Money { minor, currency })
    }

    /// This number times ten to the power of `decimals`, if that is whole and fits.
    #[must_use]
    pub(crate) fn scaled(self, decimals: u8) -> Option<i64> {
        let trimmed = self.trimmed();
        let missing = decimals.checked_sub(trimmed.decimals)?;
        trimmed.unscaled.checked_mul(10_i64.checked_pow(missing.into())?)
    }

    pub(crate) const fn from_scaled(unscaled: i64, decimals: u8) -> Self {
        Self { unscaled, decimals }
    }

    /// The same amount without trailing zeros.
    fn trimmed(self) -> Self {
        let mut trimmed = self;
        while trimmed.decimals > 0 && trimmed.unscaled % 10 == 0 {
            trimmed.unscaled /= 10;
            trimmed.decimals -= 1;
        }
        trimmed
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.trimmed(), other.trimmed());
        (left.unscaled, left.decimals) == (right.unscaled, right.decimals)
    }
}
impl Eq for Amount {}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let dangling_point = fraction.is_empty() && unsigned.contains('.');
        if whole.is_empty() || dangling_point || !is_digits(whole) || !is_digits(fraction) {
            return Err(InvalidAmount);
        }
        if whole.len() + fraction.len() > Self::DIGITS_MAX {
            return Err(InvalidAmount);
        }
        let digits = whole.bytes().chain(fraction.bytes());
        let magnitude = digits.fold(0_i64, |magnitude, digit| 10 * magnitude + i64::from(digit - b'0'));
        let unscaled = if text.starts_with('-') { -magnitude } else { magnitude };
        let decimals = u8::try_from(fraction.len()).map_err(|_| InvalidAmount)?;
        Ok(Self { unscaled, decimals })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unscaled, decimals } = self.trimmed();
        if decimals == 0 {
            return write!(f, "{unscaled}");
        }
        let unit = 10_u64.pow(decimals.into());
        let (sign, magnitude) = (if unscaled.is_negative() { "-" } else { "" }, unscaled.unsigned_abs());
        write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = usize::from(decimals))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let trimmed = self.trimmed();
        if trimmed.decimals == 0 {
            return serializer.serialize_i64(trimmed.unscaled);
        }
        RawValue::from_string(trimmed.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)?.get().parse().map_err(de::Error::custom)
    }
}
impl Amount {
    /// The schema of an amount. Its bounds are those of [`Self::from_str`], as far as a schema can express them.
    pub(crate) fn object() -> Object {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some("An exact decimal in major units of the currency, of at most 15 digits: 25000, 4.5."))
            .minimum(Some(AMOUNT_MIN))
            .maximum(Some(AMOUNT_MAX))
            .multiple_of(Some(AMOUNT_STEP))
            .build()
    }
}
impl utoipa::PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        Self::object().into()
    }
}
impl utoipa::ToSchema for Amount {}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    fn amount(text: &str) -> Amount {
        serde_json::from_str(text).unwrap()
    }

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn idr(minor: i64) -> Money {
        Money::new(minor, Currency::IDR)
    }

    #[test]
    fn an_amount_keeps_every_digit_it_was_written_with() {
        for text in ["25000", "4.5", "-30", "0.1", "999999999999999", "-0.05", "12.34", "1234567.12345678", "0"] {
            assert_eq!(serde_json::to_string(&amount(text)).unwrap(), text);
            assert_eq!(amount(text).to_string(), text);
        }
    }

    #[test]
    fn trailing_zeros_are_dropped() {
        for (written, shown) in [("4.50", "4.5"), ("25000.00", "25000"), ("0.00", "0"), ("-1.010", "-1.01")] {
            assert_eq!(amount(written).to_string(), shown);
            assert_eq!(amount(written), amount(shown));
        }
    }

    #[test]
    fn amounts_that_differ_are_not_equal() {
        for (left, right) in [("1", "2"), ("0.1", "1"), ("10", "1"), ("-5", "5"), ("4.5", "4.05")] {
            assert_ne!(amount(left), amount(right));
        }
    }

    #[test]
    fn an_amount_is_a_plain_number_and_nothing_else() {
        for text in ["\"25000\"", "1e5", "null", "true", "[1]", "{}"] {
            assert!(serde_json::from_str::<Amount>(text).is_err(), "{text}");
        }
        for text in ["", "-", ".", "5.", ".5", "-.5", "x", "1.x", "x.1", "1.2.3", "+5", "--5", "1 000"] {
            assert_eq!(
                text.parse::<Amount>().map_err(|error| error.to_string()),
                Err(InvalidAmount.to_string()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_amount_has_at_most_15_digits_before_and_behind_the_point_together() {
        for text in ["123456789012345", "-123456789012345", "1234567.12345678", "0.12345678901234"] {
            assert!(text.parse::<Amount>().is_ok(), "{text}");
        }
        for text in ["1234567890123456", "12345678901234567", "12345678.12345678", "0.123456789012345"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn rupiah_have_no_cents_dollars_have_two_and_dinars_three() {
        for code in ["IDR", "JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF"] {
            assert_eq!(currency(code).decimals(), 0, "{code}");
        }
        for code in ["USD", "EUR", "SGD", "MYR"] {
            assert_eq!(currency(code).decimals(), 2, "{code}");
        }
        for code in ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"] {
            assert_eq!(currency(code).decimals(), 3, "{code}");
        }
    }

    #[test]
    fn an_amount_becomes_minor_units_of_its_currency() {
        assert_eq!(amount("25000.0").money(Currency::IDR), Ok(idr(25_000)));
        assert_eq!(amount("4.5").money(currency("USD")), Ok(Money::new(450, currency("USD"))));
        assert_eq!(amount("4.55").money(currency("USD")), Ok(Money::new(455, currency("USD"))));
        assert_eq!(amount("1.234").money(currency("KWD")), Ok(Money::new(1_234, currency("KWD"))));
        assert_eq!(Money::new(450, currency("USD")).amount(), amount("4.5"));
        assert_eq!(Money::new(1_234, currency("KWD")).amount().to_string(), "1.234");
        assert_eq!(Amount::whole(7).money(Currency::IDR), Ok(idr(7)));
        assert_eq!(Amount::ZERO.money(Currency::IDR), Ok(Money::zero(Currency::IDR)));
    }

    #[test]
    fn an_amount_with_more_decimals_than_its_currency_is_refused() {
        let refused = amount("0.5").money(Currency::IDR).unwrap_err();
        assert_eq!(refused, MoneyError::TooManyDecimals { amount: amount("0.5"), currency: Currency::IDR });
        assert_eq!(refused.to_string(), "0.5 has more decimals than IDR has (0)");
        assert!(matches!(amount("4.555").money(currency("USD")), Err(MoneyError::TooManyDecimals { .. })));
    }

    #[test]
    fn an_amount_that_does_not_fit_its_currency_is_refused() {
        assert_eq!(Amount::whole(i64::MAX).money(currency("USD")), Err(MoneyError::TooLarge));
        assert_eq!(Amount::whole(i64::MAX).money(Currency::IDR), Ok(idr(i64::MAX)));
    }

    #[test]
    fn a_scaled_amount_is_whole_or_refused() {
        assert_eq!(amount("11").scaled(2), Some(1_100));
        assert_eq!(amount("0.110").scaled(2), Some(11));
        assert_eq!(amount("0.111").scaled(2), None);
        assert_eq!(Amount::whole(i64::MAX).scaled(1), None);
        assert_eq!(Amount::from_scaled(1_100, 2), amount("11"));
    }

    #[test]
    fn sums_differences_and_products_are_exact() {
        assert_eq!(idr(92_430).plus(idr(-30)), Ok(idr(92_400)));
        assert_eq!(idr(100_000).minus(idr(92_400)), Ok(idr(7_600)));
        assert_eq!(idr(1).minus(idr(3)), Ok(idr(-2)));
        assert_eq!(idr(25_000).times(3), Ok(idr(75_000)));
        assert_eq!(idr(25_000).times(0), Ok(Money::zero(Currency::IDR)));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused_and_not_wrapped() {
        assert_eq!(idr(i64::MAX).plus(idr(1)), Err(MoneyError::TooLarge));
        assert_eq!(idr(i64::MIN).minus(idr(1)), Err(MoneyError::TooLarge));
        assert_eq!(idr(0).minus(idr(i64::MIN)), Err(MoneyError::TooLarge));
        assert_eq!(idr(i64::MAX).times(2), Err(MoneyError::TooLarge));
    }

    #[test]
    fn money_of_two_currencies_is_not_added() {
        let dollars = Money::new(1, currency("USD"));
        let mixed = MoneyError::MixedCurrencies { left: Currency::IDR, right: currency("USD") };
        assert_eq!(idr(1).plus(dollars), Err(mixed.clone()));
        assert_eq!(idr(1).minus(dollars), Err(mixed.clone()));
        assert_eq!(mixed.to_string(), "IDR and USD cannot be added: the shop has one currency");
    }

    #[test]
    fn money_is_shown_with_its_currency() {
        assert_eq!(idr(25_000).to_string(), "IDR 25000");
        assert_eq!(Money::new(-5, currency("USD")).to_string(), "USD -0.05");
        assert_eq!(format!("{:?} {}", Currency::IDR, Currency::IDR), "IDR IDR");
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(currency("IDR"), Currency::IDR);
        assert_eq!(currency("USD").code(), "USD");
        for text in ["", "ID", "IDRX", "idr", "IDr", "I R", "1DR", "\u{20ac}"] {
            assert_eq!(text.parse::<Currency>(), Err(InvalidCurrency), "{text}");
        }
        assert_eq!(serde_json::to_string(&Currency::IDR).unwrap(), "\"IDR\"");
        assert_eq!(serde_json::from_str::<Currency>("\"USD\"").unwrap(), currency("USD"));
        assert!(serde_json::from_str::<Currency>("\"usd\"").is_err());
    }

    #[test]
    fn the_api_document_names_the_bounds_of_amounts_and_currencies() {
        let amount = serde_json::to_value(Amount::schema()).unwrap();
        assert_eq!(amount["type"], "number");
        assert_eq!(amount["maximum"], 999_999_999_999_999_i64);
        assert_eq!(amount["minimum"], -999_999_999_999_999_i64);
        assert_eq!(serde_json::to_value(Currency::schema()).unwrap()["pattern"], "^[A-Z]{3}$");
    }
}
