//! What an order costs: subtotal, discount, service, tax for each rate, total.
//!
//! Pure rules, the same for the server, the tablets and the tests. Each sum is rounded once, for the whole order, and
//! then shared among the lines so that the shares add up to the minor unit. Cash rounding is in `cash_rounding.rs`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use crate::money::{Amount, Currency, Money, MoneyError};

/// A rate in hundredths of a percent, 0 to 10000. A decimal percentage in JSON: 10, 7.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u32);

impl Percent {
    const WHOLE_HUNDREDTHS: u32 = 10_000;
    const DECIMALS: u8 = 2;

    /// `hundredths` of a percent: 750 is 7.5 %. `None` above 100 %.
    #[must_use]
    pub const fn from_hundredths(hundredths: u32) -> Option<Self> {
        if hundredths <= Self::WHOLE_HUNDREDTHS { Some(Self(hundredths)) } else { None }
    }

    fn of(self, base: i64) -> i64 {
        divided_half_up(i128::from(base) * i128::from(self.0), i128::from(Self::WHOLE_HUNDREDTHS))
    }

    /// The part of `gross` that is tax, if `gross` includes the tax of this rate.
    fn within(self, gross: i64) -> i64 {
        let whole = i128::from(Self::WHOLE_HUNDREDTHS);
        divided_half_up(i128::from(gross) * i128::from(self.0), whole + i128::from(self.0))
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", Amount::from_scaled(self.0.into(), Self::DECIMALS))
    }
}
impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Amount::from_scaled(self.0.into(), Self::DECIMALS).serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hundredths = Amount::deserialize(deserializer)?.scaled(Self::DECIMALS);
        let percent = hundredths.and_then(|hundredths| u32::try_from(hundredths).ok()).and_then(Self::from_hundredths);
        percent.ok_or_else(|| de::Error::custom("a percentage is from 0 to 100 with at most two decimals"))
    }
}
impl utoipa::PartialSchema for Percent {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::Number)
            .description(Some("A percentage from 0 to 100 with at most two decimals: 10, 7.5."))
            .minimum(Some(0))
            .maximum(Some(100))
            .multiple_of(Some(0.01))
            .into()
    }
}
impl ToSchema for Percent {}

/// Whether the menu's prices include tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaxMode {
    /// The price on the menu is what the guest pays.
    Inclusive,
    /// The tax is added to it.
    Exclusive,
}

/// A tax by its name and rate, such as PB1 at 10 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaxRate {
    /// What the receipt calls it, 1 to 40 characters.
    #[schema(min_length = 1, max_length = 40)]
    pub name: String,
    /// Its rate.
    pub percent: Percent,
}

/// What the shop adds to the prices of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRules {
    /// The currency of every price.
    pub currency: Currency,
    /// Whether prices include tax.
    pub tax_mode: TaxMode,
    /// The service charge, before tax.
    pub service: Percent,
}

/// What is deducted from the subtotal, before service and tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// Nothing.
    None,
    /// A percentage of the subtotal.
    Percent(Percent),
    /// A fixed sum; never more than the subtotal.
    Fixed(Money),
}

/// One line to be priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceLine {
    /// The price of one, its options included.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
    /// Its tax. `None`: untaxed.
    pub tax: Option<TaxRate>,
}

/// One line's share of the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePrice {
    /// Unit price times quantity, as the menu shows it.
    pub line_total: Money,
    /// Its share of the discount.
    pub discount: Money,
    /// Its share of the service charge.
    pub service: Money,
    /// Its share of its tax.
    pub tax: Money,
}

/// The tax of one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxAmount {
    /// Which tax.
    pub rate: TaxRate,
    /// How much.
    pub amount: Money,
}

/// What an order costs, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The sum of the lines.
    pub subtotal: Money,
    /// What is deducted, as a positive number.
    pub discount: Money,
    /// The service charge.
    pub service: Money,
    /// The tax of each rate, in the order of the lines. Part of the total already if prices include tax.
    pub taxes: Vec<TaxAmount>,
    /// The sum of `taxes`.
    pub tax: Money,
    /// What the guest owes.
    pub total: Money,
}

/// The price of an order, and each line's share of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price of the order.
    pub price: Price,
    /// Each line's share, in the order of the lines. The shares add up to `price`, to the minor unit.
    pub lines: Vec<LinePrice>,
}

/// Prices an order (step 4). The service charge comes before tax and is itself taxed.
///
/// # Errors
/// [`MoneyError`] if a sum does not fit or a line is in another currency.
pub fn quote(lines: &[PriceLine], discount: Discount, rules: &PriceRules) -> Result<Quote, MoneyError> {
    let currency = rules.currency;
    let line_totals = line_totals(lines, currency)?;
    let subtotal = sum(&line_totals)?;
    let discount = discount_on(subtotal, discount, currency)?;
    let service = rules.service.of(subtotal - discount);

    let discounts = shares(discount, &line_totals);
    let discounted: Vec<i64> = line_totals.iter().zip(&discounts).map(|(total, share)| total - share).collect();
    let services = shares(service, &discounted);
    let bases: Vec<i64> = discounted.iter().zip(&services).map(|(base, share)| base + share).collect();

    let (taxes, line_taxes) = taxes(lines, &bases, rules);
    let tax = sum(&line_taxes)?;
    let tax_on_top = if rules.tax_mode == TaxMode::Exclusive { tax } else { 0 };
    let total = sum(&[subtotal - discount, service, tax_on_top])?;

    let money = |minor| Money::new(minor, currency);
    let lines = (0..lines.len())
        .map(|line| LinePrice {
            line_total: money(line_totals[line]),
            discount: money(discounts[line]),
            service: money(services[line]),
            tax: money(line_taxes[line]),
        })
        .collect();
    let price = Price {
        subtotal: money(subtotal),
        discount: money(discount),
        service: money(service),
        taxes,
        tax: money(tax),
        total: money(total),
    };
    Ok(Quote { price, lines })
}

fn line_totals(lines: &[PriceLine], currency: Currency) -> Result<Vec<i64>, MoneyError> {
    let zero = Money::zero(currency);
    lines.iter().map(|line| Ok(zero.plus(line.unit_price.times(line.quantity)?)?.minor)).collect()
}

fn discount_on(subtotal: i64, discount: Discount, currency: Currency) -> Result<i64, MoneyError> {
    match discount {
        Discount::None => Ok(0),
        Discount::Percent(percent) => Ok(percent.of(subtotal)),
        Discount::Fixed(money) => Ok(Money::zero(currency).plus(money)?.minor.clamp(0, subtotal.max(0))),
    }
}

/// The tax of each rate, and of each line.
fn taxes(lines: &[PriceLine], bases: &[i64], rules: &PriceRules) -> (Vec<TaxAmount>, Vec<i64>) {
    let mut amounts: Vec<TaxAmount> = Vec::new();
    let mut line_taxes = vec![0; lines.len()];
    for rate in lines.iter().filter_map(|line| line.tax.as_ref()) {
        if amounts.iter().any(|known| known.rate == *rate) {
            continue;
        }
        let bears_it = |line: &PriceLine| line.tax.as_ref() == Some(rate);
        let weights: Vec<i64> =
            lines.iter().zip(bases).map(|(line, base)| if bears_it(line) { *base } else { 0 }).collect();
        let base = weights.iter().sum();
        let tax = match rules.tax_mode {
            TaxMode::Exclusive => rate.percent.of(base),
            TaxMode::Inclusive => rate.percent.within(base),
        };
        for (line_tax, share) in line_taxes.iter_mut().zip(shares(tax, &weights)) {
            *line_tax += share;
        }
        amounts.push(TaxAmount { rate: rate.clone(), amount: Money::new(tax, rules.currency) });
    }
    (amounts, line_taxes)
}

/// Shares `whole` in proportion to `weights` so that the shares add up to it: by largest remainder, ties to the
/// earlier line. If every weight is zero, every share is.
fn shares(whole: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if all == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i64| i128::from(whole) * i128::from(*weight);
    let mut shares: Vec<i64> = weights.iter().map(|weight| to_i64(exact(weight).div_euclid(all))).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|line| std::cmp::Reverse(exact(&weights[*line]).rem_euclid(all)));
    let remaining = usize::try_from(whole - shares.iter().sum::<i64>()).unwrap_or(0);
    for line in by_remainder.into_iter().take(remaining) {
        shares[line] += 1;
    }
    shares
}

fn sum(minors: &[i64]) -> Result<i64, MoneyError> {
    minors.iter().try_fold(0_i64, |sum, minor| sum.checked_add(*minor)).ok_or(MoneyError::TooLarge)
}

/// `numerator / denominator` to the nearest whole, halves away from zero.
fn divided_half_up(numerator: i128, denominator: i128) -> i64 {
    let half = denominator / 2;
    let rounded = if numerator < 0 { numerator - half } else { numerator + half };
    to_i64(rounded / denominator)
}

/// A share of an `i64` is an `i64`.
fn to_i64(part: i128) -> i64 {
    i64::try_from(part).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn idr(minor: i64) -> Money {
        Money::new(minor, Currency::IDR)
    }

    fn percent(hundredths: u32) -> Percent {
        Percent::from_hundredths(hundredths).unwrap()
    }

    fn pb1() -> Option<TaxRate> {
        Some(TaxRate { name: "PB1".into(), percent: percent(1000) })
    }

    fn line(unit_price: i64, quantity: u32, tax: Option<TaxRate>) -> PriceLine {
        PriceLine { unit_price: idr(unit_price), quantity, tax }
    }

    fn rules(tax_mode: TaxMode, service: u32) -> PriceRules {
        PriceRules { currency: Currency::IDR, tax_mode, service: percent(service) }
    }

    fn priced(lines: &[PriceLine], discount: Discount, rules: &PriceRules) -> Price {
        quote(lines, discount, rules).unwrap().price
    }

    #[test]
    fn tax_on_top_is_charged_on_the_discounted_price_and_on_the_service() {
        let lines = [line(100_000, 1, pb1())];
        let price = priced(&lines, Discount::Percent(percent(2000)), &rules(TaxMode::Exclusive, 500));
        assert_eq!(price.discount, idr(20_000));
        assert_eq!(price.service, idr(4_000));
        assert_eq!(price.tax, idr(8_400));
        assert_eq!(price.total, idr(92_400));
    }

    #[test]
    fn tax_inside_the_price_is_shown_and_not_added() {
        let price = priced(&[line(25_000, 1, pb1())], Discount::None, &rules(TaxMode::Inclusive, 0));
        assert_eq!(price.tax, idr(2_273));
        assert_eq!(price.total, idr(25_000));
    }

    #[test]
    fn tax_is_rounded_once_for_the_order_and_not_once_for_each_line() {
        let lines = vec![line(25_000, 1, pb1()); 3];
        let quote = quote(&lines, Discount::None, &rules(TaxMode::Inclusive, 0)).unwrap();
        assert_eq!(quote.price.tax, idr(6_818)); // three times 2,273 would be 6,819
        assert_eq!(quote.lines.iter().map(|line| line.tax.minor).collect::<Vec<_>>(), [2_273, 2_273, 2_272]);
    }

    #[test]
    fn the_last_unit_of_a_share_goes_to_the_line_with_the_largest_remainder() {
        assert_eq!(shares(4, &[2, 1]), [3, 1]); // 2.67 and 1.33
        assert_eq!(shares(4, &[1, 2]), [1, 3]);
        assert_eq!(shares(1, &[1, 1]), [1, 0], "ties go to the earlier line");
        assert_eq!(shares(4, &[0, 0]), [0, 0]);
    }

    #[test]
    fn each_rate_has_its_own_tax_and_what_is_untaxed_has_none() {
        let ppn = Some(TaxRate { name: "PPN".into(), percent: percent(1100) });
        let lines = [line(10_000, 1, pb1()), line(10_000, 1, ppn), line(10_000, 1, None)];
        let price = priced(&lines, Discount::None, &rules(TaxMode::Exclusive, 0));
        let taxes: Vec<_> = price.taxes.iter().map(|tax| (tax.rate.name.as_str(), tax.amount.minor)).collect();
        assert_eq!(taxes, [("PB1", 1_000), ("PPN", 1_100)]);
        assert_eq!(price.total, idr(32_100));
    }

    #[test]
    fn a_fixed_discount_never_makes_the_shop_pay() {
        let price = priced(&[line(5_000, 1, pb1())], Discount::Fixed(idr(9_000)), &rules(TaxMode::Inclusive, 0));
        assert_eq!((price.discount, price.total), (idr(5_000), idr(0)));
    }

    #[test]
    fn a_price_that_cannot_be_counted_is_refused() {
        let lines = [line(i64::MAX / 2, 3, None)];
        assert_eq!(quote(&lines, Discount::None, &rules(TaxMode::Inclusive, 0)), Err(MoneyError::TooLarge));
        let dollars = PriceLine { unit_price: Money::new(1, "USD".parse().unwrap()), quantity: 1, tax: None };
        assert!(quote(&[dollars], Discount::None, &rules(TaxMode::Inclusive, 0)).is_err());
    }

    #[test]
    fn a_whole_percentage_is_the_most_and_halves_are_rounded_away_from_zero() {
        assert_eq!(
            (Percent::from_hundredths(10_000).map(|percent| percent.of(7)), Percent::from_hundredths(10_001)),
            (Some(7), None)
        );
        assert_eq!([-150, -50, 50, 149, 150].map(|base| percent(100).of(base)), [-2, -1, 1, 1, 2]);
    }

    #[test]
    fn a_percentage_is_a_decimal_in_json() {
        assert_eq!(serde_json::to_string(&percent(750)).unwrap(), "7.5");
        assert_eq!(serde_json::from_str::<Percent>("10").unwrap(), percent(1000));
        for wrong in ["-1", "100.01", "0.001", "\"10\""] {
            assert!(serde_json::from_str::<Percent>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_shares_of_every_order_add_up_to_the_unit(
            lines in prop::collection::vec((0_i64..10_000_000, 1_u32..999, 0_u32..3), 1..40),
            discount in 0_u32..=10_000, service in 0_u32..2_000, inclusive: bool,
        ) {
            let rate = |index| match index {
                0 => None,
                1 => pb1(),
                _ => Some(TaxRate { name: "PPN".into(), percent: percent(1100) }),
            };
            let lines: Vec<PriceLine> = lines.into_iter().map(|(unit, quantity, tax)| line(unit, quantity, rate(tax))).collect();
            let mode = if inclusive { TaxMode::Inclusive } else { TaxMode::Exclusive };
            let Quote { price, lines } = quote(&lines, Discount::Percent(percent(discount)), &rules(mode, service)).unwrap();

            let sum_of = |part: fn(&LinePrice) -> Money| lines.iter().map(|line| part(line).minor).sum::<i64>();
            prop_assert_eq!(sum_of(|line| line.line_total), price.subtotal.minor);
            prop_assert_eq!(sum_of(|line| line.discount), price.discount.minor);
            prop_assert_eq!(sum_of(|line| line.service), price.service.minor);
            prop_assert_eq!(sum_of(|line| line.tax), price.tax.minor);
            let on_top = if inclusive { 0 } else { price.tax.minor };
            let owed = price.subtotal.minor - price.discount.minor + price.service.minor + on_top;
            prop_assert_eq!(owed, price.total.minor);
            prop_assert!(lines.iter().all(|line| line.discount.minor >= 0 && line.tax.minor >= 0));
        }
    }

    #[test]
    fn halves_are_rounded_away_from_zero_on_both_sides() {
        let rounded = [(5, 2), (4, 3), (0, 3), (-4, 3), (-5, 2)].map(|(part, whole)| divided_half_up(part, whole));
        assert_eq!(rounded, [3, 1, 0, -1, -3]);
    }
}
