//! The rules of payments: what may be taken, what a payment is, when a gateway is asked again.

mod take;

use std::time::Duration;

use contracts::{
    event::PaymentCompleted,
    ids::{OrderId, PaymentId},
    money::Money,
    payment::{PaymentMethod, PaymentStatus, PaymentView, QrisView},
    receipt::ReceiptPayment,
    time::Timestamp,
};

use crate::gateways::{Charge, Created, Issued};

pub(crate) use take::{Cash, Noted, OrderDue, OrderState, Take, take, working_methods};

/// Why money is given back that came for an order paid by other money.
pub(crate) const SECOND_MONEY: &str = "The order was already paid by another payment.";

/// How long a QR is asked about after it was made. A bank's late money comes within a day.
pub(crate) const WATCH_SECONDS_MAX: u64 = 24 * 60 * 60;
/// How long a gateway that does not answer is asked about a QR: after a month the bank's statement knows better.
pub(crate) const SILENCE_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;
/// How often a QR on the screen is asked about at the least; its guest may have put the phone away.
const PENDING_CHECK_SECONDS_MAX: u64 = 60;
/// How often a QR that was given up is asked about at the least.
const EXPIRED_CHECK_SECONDS_MAX: u64 = 15 * 60;

/// A payment, as its row holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) payment_id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) method: PaymentMethod,
    pub(crate) status: PaymentStatus,
    pub(crate) amount: Money,
    pub(crate) rounding: Money,
    pub(crate) due: Money,
    pub(crate) tendered: Option<Money>,
    pub(crate) change: Option<Money>,
    pub(crate) qr: Option<Qr>,
    /// What a bank's notice said, as staff wrote it down.
    pub(crate) reference: Option<String>,
    pub(crate) is_test: bool,
    pub(crate) refund_reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) paid_at: Option<Timestamp>,
    /// When the gateway is asked next. Only of a QR that may still be paid.
    pub(crate) next_check_at: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
}

/// The QR of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Qr {
    pub(crate) payload: String,
    pub(crate) expires_at: Timestamp,
    /// Which gateway made it.
    pub(crate) gateway: String,
    /// The gateway's name for it.
    pub(crate) gateway_reference: String,
}

impl Payment {
    /// Cash, taken.
    pub(crate) fn cash(payment_id: PaymentId, due: &OrderDue, cash: &Cash, now: Timestamp) -> Self {
        Self {
            method: PaymentMethod::Cash,
            status: PaymentStatus::Paid,
            rounding: cash.rounding,
            due: cash.due,
            tendered: Some(cash.tendered),
            change: Some(cash.change),
            paid_at: Some(now),
            ..Self::asked(payment_id, due, now)
        }
    }

    /// A QR, to be shown.
    pub(crate) fn qris(due: &OrderDue, charge: &Charge, created: Created, gateway: &str, is_test: bool) -> Self {
        let qr = Qr {
            payload: created.payload,
            expires_at: created.expires_at,
            gateway: gateway.to_owned(),
            gateway_reference: created.reference,
        };
        Self { qr: Some(qr), is_test, ..Self::asked(charge.payment_id, due, charge.created_at) }
    }

    fn asked(payment_id: PaymentId, due: &OrderDue, now: Timestamp) -> Self {
        Self {
            payment_id,
            order_id: due.order_id,
            method: PaymentMethod::Qris,
            status: PaymentStatus::Pending,
            amount: due.total,
            rounding: Money::zero(due.total.currency),
            due: due.total,
            tendered: None,
            change: None,
            qr: None,
            reference: None,
            is_test: false,
            refund_reason: None,
            created_at: now,
            paid_at: None,
            next_check_at: None,
            version: 1,
            updated_at: now,
        }
    }

    /// The payment as everyone sees it.
    pub(crate) fn view(&self) -> PaymentView {
        let gateway_reference = self.qr.as_ref().map(|qr| qr.gateway_reference.clone());
        PaymentView {
            payment_id: self.payment_id,
            order_id: self.order_id,
            method: self.method,
            status: self.status,
            currency: self.amount.currency,
            amount: self.amount.amount(),
            rounding: self.rounding.amount(),
            due: self.due.amount(),
            tendered: self.tendered.map(Money::amount),
            change: self.change.map(Money::amount),
            qris: self.qr.as_ref().map(|qr| QrisView { payload: qr.payload.clone(), expires_at: qr.expires_at }),
            reference: self.reference.clone().or(gateway_reference),
            is_test: self.is_test,
            refund_reason: self.refund_reason.clone(),
            created_at: self.created_at,
            paid_at: self.paid_at,
            version: self.version,
            receipt: None,
        }
    }

    /// What is said when this payment pays its order, of so many cups, at `paid_at`.
    pub(crate) fn completed(&self, cups: u32, paid_at: Timestamp) -> PaymentCompleted {
        PaymentCompleted {
            order_id: self.order_id,
            payment_id: self.payment_id,
            cups,
            method: self.method,
            amount: self.amount.amount(),
            currency: self.amount.currency,
            paid_at,
            is_test: self.is_test,
        }
    }

    /// What its gateway needs to be asked about it. `None`: it has no gateway.
    pub(crate) fn issued(&self) -> Option<Issued> {
        let qr = self.qr.as_ref()?;
        Some(Issued { reference: qr.gateway_reference.clone(), created_at: self.created_at, expires_at: qr.expires_at })
    }

    /// Whether its QR can be shown for `due` at `now`: it asks for the same and its time is not over.
    pub(crate) fn still_asks_for(&self, due: &OrderDue, now: Timestamp) -> bool {
        self.due == due.total && self.qr.as_ref().is_some_and(|qr| now < qr.expires_at)
    }
}

/// Payment's part of a receipt. `None` unless `payment` paid its order.
pub(crate) fn receipt_part(payment: &PaymentView) -> Option<ReceiptPayment> {
    let paid_at = payment.paid_at.filter(|_| payment.status == PaymentStatus::Paid)?;
    Some(ReceiptPayment {
        payment_id: payment.payment_id,
        method: payment.method,
        paid_at,
        rounding: payment.rounding,
        due: payment.due,
        tendered: payment.tendered,
        change: payment.change,
        is_test: payment.is_test,
    })
}

/// When a gateway that did not say "paid" of a QR of this status is asked again: after as long as the QR is old, so
/// that the interval doubles, from `shortest` up to a bound. `None`: it is too old to be asked about.
pub(crate) fn next_check(
    status: PaymentStatus,
    created_at: Timestamp,
    now: Timestamp,
    shortest: Duration,
) -> Option<Timestamp> {
    let longest = match status {
        PaymentStatus::Pending => Duration::from_secs(PENDING_CHECK_SECONDS_MAX),
        PaymentStatus::Expired => Duration::from_secs(EXPIRED_CHECK_SECONDS_MAX),
        PaymentStatus::Paid | PaymentStatus::Failed | PaymentStatus::RefundDue => return None,
    };
    let age = now.since(created_at);
    (age < Duration::from_secs(WATCH_SECONDS_MAX)).then(|| now + age.clamp(shortest.min(longest), longest))
}

/// When a gateway that did not answer is asked again: longer than one that says "pending", since silence says nothing
/// about the money. `None`: it was silent for so long that a person must look.
pub(crate) fn next_check_after_silence(
    status: PaymentStatus,
    created_at: Timestamp,
    now: Timestamp,
    shortest: Duration,
) -> Option<Timestamp> {
    let longest = Duration::from_secs(EXPIRED_CHECK_SECONDS_MAX);
    let is_watched = now.since(created_at) < Duration::from_secs(SILENCE_SECONDS_MAX);
    is_watched.then(|| next_check(status, created_at, now, shortest).unwrap_or(now + longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_gateway_is_asked_after_1_2_4_8_seconds_and_then_every_minute() {
        let mut at = Timestamp(0);
        let mut gaps = Vec::new();
        for _ in 0..9 {
            let next = next_check(PaymentStatus::Pending, Timestamp(0), at, SECOND).unwrap();
            gaps.push(next.since(at).as_secs());
            at = next;
        }
        assert_eq!(gaps, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_qr_that_was_given_up_is_asked_about_for_a_day_every_quarter_of_an_hour() {
        let hour = Timestamp(3_600_000_000);
        let next = next_check(PaymentStatus::Expired, Timestamp(0), hour, SECOND).unwrap();
        assert_eq!(next.since(hour), Duration::from_secs(15 * 60));
        let day = Timestamp(24 * hour.0);
        assert_eq!(next_check(PaymentStatus::Expired, Timestamp(0), day, SECOND), None);
    }

    #[test]
    fn a_gateway_that_is_silent_is_asked_for_a_month() {
        let day = 24 * 3_600_000_000;
        let next =
            |days: i64| next_check_after_silence(PaymentStatus::Pending, Timestamp(0), Timestamp(days * day), SECOND);
        assert_eq!(next(7).unwrap().since(Timestamp(7 * day)), Duration::from_secs(15 * 60));
        assert!(next(29).is_some());
        assert_eq!(next(30), None);
    }
}
