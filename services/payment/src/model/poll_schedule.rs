//! When the gateway is polled about a QR payment.

use std::time::Duration;

use contracts::{payment::PaymentStatus, time::Timestamp};

/// How long a QR payment is polled after it was made. A bank's late money arrives within a day.
const POLL_AGE_SECONDS_MAX: u64 = 24 * 60 * 60;
/// How long a gateway that does not answer is polled about a QR payment. After a month the bank's statement knows.
const NO_ANSWER_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;
/// The longest interval for a QR code on the screen, whose guest may have put the phone away.
const PENDING_INTERVAL_MAX: Duration = Duration::from_secs(60);
/// The longest interval of all, for a QR payment that expired: no poll is scheduled further ahead.
pub(crate) const POLL_INTERVAL_MAX: Duration = Duration::from_secs(15 * 60);

/// When a gateway that did not report the money of a QR payment is polled again. The interval is the payment's age, so
/// it doubles, from `shortest` up to a bound that depends on the status; the bound itself for a payment from the future,
/// which a clock that ran ahead has made. `None`: never, the payment is too old.
pub(crate) fn next_poll(
    status: PaymentStatus,
    created_at: Timestamp,
    now: Timestamp,
    shortest: Duration,
) -> Option<Timestamp> {
    let longest = match status {
        PaymentStatus::Pending => PENDING_INTERVAL_MAX,
        PaymentStatus::Expired => POLL_INTERVAL_MAX,
        PaymentStatus::Paid | PaymentStatus::Failed | PaymentStatus::RefundDue => return None,
    };
    if created_at > now {
        return Some(now + longest);
    }
    let age = now.since(created_at);
    (age < Duration::from_secs(POLL_AGE_SECONDS_MAX)).then(|| now + age.clamp(shortest.min(longest), longest))
}

/// When a gateway that did not answer is polled again: for longer than one that answers "pending", because without an
/// answer the money may have arrived. `None`: never, a person must look.
pub(crate) fn next_poll_without_answer(
    status: PaymentStatus,
    created_at: Timestamp,
    now: Timestamp,
    shortest: Duration,
) -> Option<Timestamp> {
    let is_polled = now.since(created_at) < Duration::from_secs(NO_ANSWER_SECONDS_MAX);
    is_polled.then(|| next_poll(status, created_at, now, shortest).unwrap_or(now + POLL_INTERVAL_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_gateway_is_polled_after_1_2_4_8_seconds_and_then_every_minute() {
        let mut at = Timestamp(0);
        let mut intervals = Vec::new();
        for _ in 0..9 {
            let next = next_poll(PaymentStatus::Pending, Timestamp(0), at, SECOND).unwrap();
            intervals.push(next.since(at).as_secs());
            at = next;
        }
        assert_eq!(intervals, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn an_expired_qr_payment_is_polled_every_15_minutes_for_a_day() {
        let hour = Timestamp(3_600_000_000);
        let next = next_poll(PaymentStatus::Expired, Timestamp(0), hour, SECOND).unwrap();
        assert_eq!(next.since(hour), Duration::from_secs(15 * 60));
        let day = Timestamp(24 * hour.0);
        assert_eq!(next_poll(PaymentStatus::Expired, Timestamp(0), day, SECOND), None);
    }

    #[test]
    fn a_gateway_that_does_not_answer_is_polled_for_a_month() {
        let day = 24 * 3_600_000_000;
        let next =
            |days: i64| next_poll_without_answer(PaymentStatus::Pending, Timestamp(0), Timestamp(days * day), SECOND);
        assert_eq!(next(7).unwrap().since(Timestamp(7 * day)), Duration::from_secs(15 * 60));
        assert!(next(29).is_some());
        assert_eq!(next(30), None);
    }

    #[test]
    fn a_payment_from_a_clock_that_ran_ahead_is_polled_every_minute() {
        let (now, tomorrow) = (Timestamp(0), Timestamp(24 * 3_600_000_000));
        let next = next_poll(PaymentStatus::Pending, tomorrow, now, SECOND).unwrap();
        assert_eq!(next.since(now), Duration::from_secs(60));
    }
}
