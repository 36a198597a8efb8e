//! A gateway without money, for demonstrations and tests.

use std::time::Duration;

use clock::Clock;
use futures::future::{BoxFuture, FutureExt, ready};

use super::{Charge, ChargeReference, ChargeStatus, CreatedCharge, GatewayError, QrisGateway, emvco};

/// How long a charge takes money, as long as those of real gateways.
const CHARGE_TTL: Duration = Duration::from_secs(15 * 60);
/// What the ids of its charges begin with.
const REFERENCE_PREFIX: &str = "mock-";

/// Every charge is paid by itself, `delay` after it was made. It keeps no state, so a restart changes nothing.
pub(crate) struct MockGateway {
    delay: Duration,
    clock: Clock,
}

impl MockGateway {
    pub(crate) fn new(delay: Duration, clock: Clock) -> Self {
        Self { delay, clock }
    }

    fn status_now(&self, charge: &ChargeReference) -> Result<ChargeStatus, GatewayError> {
        if !charge.reference.starts_with(REFERENCE_PREFIX) {
            return Err(GatewayError::UnknownCharge { reference: charge.reference.clone() });
        }
        let (now, pays_at) = (self.clock.now(), charge.created_at + self.delay);
        if pays_at < charge.expires_at && pays_at <= now {
            Ok(ChargeStatus::Paid { at: pays_at })
        } else if charge.expires_at <= now {
            Ok(ChargeStatus::Expired)
        } else {
            Ok(ChargeStatus::Pending)
        }
    }
}

impl QrisGateway for MockGateway {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn is_test(&self) -> bool {
        true
    }

    fn create<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<CreatedCharge, GatewayError>> {
        let created = CreatedCharge {
            payload: emvco::dynamic_payload(&charge.merchant, charge.amount, &charge.order_number),
            reference: format!("{REFERENCE_PREFIX}{}", charge.payment_id),
            expires_at: charge.created_at + CHARGE_TTL,
            is_paid: self.delay.is_zero(),
        };
        ready(Ok(created)).boxed()
    }

    fn status<'a>(&'a self, charge: &'a ChargeReference) -> BoxFuture<'a, Result<ChargeStatus, GatewayError>> {
        ready(self.status_now(charge)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use contracts::time::Timestamp;

    use super::*;

    fn charge(created_at: Timestamp) -> ChargeReference {
        ChargeReference { reference: "mock-1".into(), created_at, expires_at: created_at + CHARGE_TTL }
    }

    #[test]
    fn the_imaginary_guest_pays_after_the_delay_also_across_a_restart() {
        let clock = Clock::manual(Timestamp(0));
        let charge = charge(clock.now());
        let delay = Duration::from_secs(3);
        assert_eq!(MockGateway::new(delay, clock.clone()).status_now(&charge).unwrap(), ChargeStatus::Pending);
        clock.advance(delay);
        let restarted = MockGateway::new(delay, clock.clone());
        assert_eq!(restarted.status_now(&charge).unwrap(), ChargeStatus::Paid { at: Timestamp(3_000_000) });
    }

    #[test]
    fn an_imaginary_guest_who_takes_longer_than_the_qr_code_is_valid_never_pays() {
        let clock = Clock::manual(Timestamp(0));
        let charge = charge(clock.now());
        let mock = MockGateway::new(CHARGE_TTL * 2, clock.clone());
        clock.advance(CHARGE_TTL);
        assert_eq!(mock.status_now(&charge).unwrap(), ChargeStatus::Expired);
    }
}
