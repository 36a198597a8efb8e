//! Cash rounding: what a guest pays in cash if the smallest coins are no longer used. It belongs to the payment, never
//! to the order.

use crate::money::{Money, MoneyError};

/// Cash sums are multiples of this, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundingStep(i64);

impl RoundingStep {
    /// Rp100, the smallest coin in use.
    pub const HUNDRED: Self = Self(100);
    /// No rounding.
    pub const ONE: Self = Self(1);

    /// A step of `minor` units. `None` unless positive.
    #[must_use]
    pub const fn new(minor: i64) -> Option<Self> {
        if minor > 0 { Some(Self(minor)) } else { None }
    }

    /// Minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }
}

/// What is due in cash for `total`, and the rounding that made it so. Ties go down, in the guest's favour.
///
/// # Errors
/// [`MoneyError::TooLarge`].
pub fn cash_due(total: Money, step: RoundingStep) -> Result<(Money, Money), MoneyError> {
    let over = total.minor.rem_euclid(step.0);
    let rounding = if over * 2 > step.0 { step.0 - over } else { -over };
    let rounding = Money::new(rounding, total.currency);
    Ok((total.plus(rounding)?, rounding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn idr(minor: i64) -> Money {
        Money::new(minor, Currency::IDR)
    }

    #[test]
    fn a_rounding_step_is_at_least_one_minor_unit() {
        assert_eq!([-1, 0, 1].map(|minor| RoundingStep::new(minor).map(RoundingStep::minor)), [None, None, Some(1)]);
    }

    #[test]
    fn cash_is_rounded_to_the_nearest_hundred_and_ties_go_down() {
        assert_eq!(cash_due(idr(92_430), RoundingStep::HUNDRED), Ok((idr(92_400), idr(-30))));
        assert_eq!(cash_due(idr(92_450), RoundingStep::HUNDRED), Ok((idr(92_400), idr(-50))));
        assert_eq!(cash_due(idr(92_460), RoundingStep::HUNDRED), Ok((idr(92_500), idr(40))));
        assert_eq!(cash_due(idr(92_461), RoundingStep::ONE), Ok((idr(92_461), idr(0))));
    }
}
