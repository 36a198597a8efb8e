//! A gateway without money, for demonstrations and tests.

use std::time::Duration;

use clock::Clock;
use futures::future::{BoxFuture, FutureExt, ready};

use super::{Charge, ChargeStatus, Created, GatewayAway, Issued, QrisGateway, emvco};

/// How long a QR takes money, as long as real gateways' do.
const QR_LIFE: Duration = Duration::from_secs(15 * 60);
/// What the mock's names begin with.
const REFERENCE_PREFIX: &str = "mock-";

/// Every QR pays by itself, `delay` after it was made. It remembers nothing, so a restart changes nothing.
pub(crate) struct Mock {
    delay: Duration,
    clock: Clock,
}

impl Mock {
    pub(crate) fn new(delay: Duration, clock: Clock) -> Self {
        Self { delay, clock }
    }

    fn status_now(&self, issued: &Issued) -> Result<ChargeStatus, GatewayAway> {
        if !issued.reference.starts_with(REFERENCE_PREFIX) {
            return Err(GatewayAway(format!("{} was not made by the mock gateway", issued.reference)));
        }
        let (now, pays_at) = (self.clock.now(), issued.created_at + self.delay);
        if pays_at < issued.expires_at && pays_at <= now {
            Ok(ChargeStatus::Paid { at: pays_at })
        } else if issued.expires_at <= now {
            Ok(ChargeStatus::Expired)
        } else {
            Ok(ChargeStatus::Pending)
        }
    }
}

impl QrisGateway for Mock {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn is_test(&self) -> bool {
        true
    }

    fn create<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<Created, GatewayAway>> {
        let created = Created {
            payload: emvco::dynamic(&charge.merchant, charge.amount, &charge.order_number),
            reference: format!("{REFERENCE_PREFIX}{}", charge.payment_id),
            expires_at: charge.created_at + QR_LIFE,
            is_paid: self.delay.is_zero(),
        };
        ready(Ok(created)).boxed()
    }

    fn status<'a>(&'a self, issued: &'a Issued) -> BoxFuture<'a, Result<ChargeStatus, GatewayAway>> {
        ready(self.status_now(issued)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use contracts::time::Timestamp;

    use super::*;

    fn issued(created_at: Timestamp) -> Issued {
        Issued { reference: "mock-1".into(), created_at, expires_at: created_at + QR_LIFE }
    }

    #[test]
    fn the_pretended_guest_takes_as_long_as_was_set_and_a_restart_changes_nothing() {
        let clock = Clock::manual(Timestamp(0));
        let issued = issued(clock.now());
        let delay = Duration::from_secs(3);
        assert_eq!(Mock::new(delay, clock.clone()).status_now(&issued).unwrap(), ChargeStatus::Pending);
        clock.advance(delay);
        let after_a_restart = Mock::new(delay, clock.clone());
        assert_eq!(after_a_restart.status_now(&issued).unwrap(), ChargeStatus::Paid { at: Timestamp(3_000_000) });
    }

    #[test]
    fn a_guest_who_takes_longer_than_the_qr_lives_never_pays() {
        let clock = Clock::manual(Timestamp(0));
        let issued = issued(clock.now());
        let mock = Mock::new(QR_LIFE * 2, clock.clone());
        clock.advance(QR_LIFE);
        assert_eq!(mock.status_now(&issued).unwrap(), ChargeStatus::Expired);
    }
}
