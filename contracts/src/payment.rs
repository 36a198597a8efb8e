//! Payments: requests, views, statuses and their legal transitions.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    audit::Actor,
    ids::{OrderId, PaymentId},
    money::{Amount, Currency},
    receipt::Receipt,
    time::Timestamp,
};

pub use crate::payment_method::PaymentMethod;

/// The longest reference of a bank that staff write down when they confirm a payment by hand.
pub const REFERENCE_CHARS_MAX: usize = 120;

/// The most change, in minor units: Rp10.000.000, a hundred of the largest rupiah notes. A tendered sum that would need
/// more is a typing mistake.
pub const CHANGE_MINOR_MAX: i64 = 10_000_000;

/// The status of a payment.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// The guest has been asked to pay; the money has not arrived.
    Pending,
    /// The money has arrived and pays the order.
    Paid,
    /// The gateway refused it for good.
    Failed,
    /// Its QR code is no longer shown. It can still be paid, so late money may arrive.
    Expired,
    /// The money has arrived and pays no order: it must be given back.
    RefundDue,
}

impl PaymentStatus {
    /// The legal transitions, from and to: the one source that Payment's commands and SQL follow.
    pub const TRANSITIONS: [(Self, Self); 8] = [
        (Self::Pending, Self::Paid),
        (Self::Pending, Self::Failed),
        (Self::Pending, Self::Expired),
        // Its order is paid by other money.
        (Self::Pending, Self::RefundDue),
        // Late money for a QR code that is no longer shown.
        (Self::Expired, Self::Paid),
        (Self::Expired, Self::RefundDue),
        // Its order was revived and the QR code can still be paid.
        (Self::Expired, Self::Pending),
        // Its order does not take the money.
        (Self::Paid, Self::RefundDue),
    ];

    /// Whether a payment may go from `self` to `next`.
    #[must_use]
    pub fn can_transition_to(self, next: Self) -> bool {
        Self::TRANSITIONS.contains(&(self, next))
    }
}

/// `POST /api/Payment` (step 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePayment {
    /// The order to pay.
    pub order_id: OrderId,
    /// How the guest pays.
    pub method: PaymentMethod,
    /// The order's total, before cash rounding.
    pub amount: Amount,
    /// The cash that the guest gave, at least the amount after cash rounding and at most 10,000,000 minor units more.
    /// Required for CASH, refused otherwise.
    #[serde(default)]
    pub tendered: Option<Amount>,
}

/// `POST /api/Payment/{paymentId}/confirm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmPayment {
    /// The reference on the bank's notice of the payment. Needed if the gateway does not answer; then a manager confirms.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 120)]
    pub reference: Option<String>,
}

/// `POST /internal/Payment/order/{orderId}/close`: Order calls it before it cancels or expires an order. The answer is
/// Payment's part of the receipt if the order is paid; null if no money was taken, and then Payment takes none for
/// [`CLOSE_SECONDS`]: long enough for Order to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseOrder {
    /// The version that the order will have once it is closed.
    #[schema(minimum = 2)]
    pub order_version: i64,
}

/// How long Payment takes no money for an order that Order is about to close.
pub const CLOSE_SECONDS: u64 = 10;

/// How far the clocks of two requests may differ. A deadline of a closing that is further ahead than this and
/// [`CLOSE_SECONDS`] was set by a clock that ran ahead and was set back: it has passed.
pub const CLOSE_CLOCK_TOLERANCE_SECONDS: u64 = 60;

/// A payment as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    /// Its id.
    pub payment_id: PaymentId,
    /// The order that it pays.
    pub order_id: OrderId,
    /// How the guest pays.
    pub method: PaymentMethod,
    /// Its status.
    pub status: PaymentStatus,
    /// The currency of every amount.
    pub currency: Currency,
    /// The order's total.
    pub amount: Amount,
    /// What cash rounding adds; negative if it takes away.
    pub rounding: Amount,
    /// `amount` plus `rounding`: what changes hands.
    pub due: Amount,
    /// The cash that the guest gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tendered: Option<Amount>,
    /// The cash to give back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Amount>,
    /// The QR code to show, of a QRIS payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qris: Option<QrisView>,
    /// The gateway's id of it, or the bank's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether no real money moved, as with the mock gateway.
    pub is_test: bool,
    /// Why the money must be given back, of REFUND_DUE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_reason: Option<String>,
    /// Who took it, and on which device: who entered the cash, or had the QR code shown first.
    pub taken_by: Actor,
    /// Who confirmed by hand that its money arrived, because the gateway did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<Actor>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the money arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
    /// The whole receipt as it stands now (step 20): in the answers to a payment and to its confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// The QR code of a QRIS payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QrisView {
    /// The EMVCo payload: the text of the QR code.
    pub payload: String,
    /// When the gateway stops taking money for it.
    pub expires_at: Timestamp,
}

/// `GET /api/Payment/methods`: how guests can pay right now, on the device that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailableMethods {
    /// The shop's methods, without those whose gateway is missing. A kiosk takes no CASH.
    pub methods: Vec<PaymentMethod>,
}

/// The `context` of `/problems/amount-mismatch`: what the order costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmountMismatch {
    /// The order's total.
    pub total: Amount,
    /// Its currency.
    pub currency: Currency,
}

/// The `context` of `/problems/already-paid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlreadyPaid {
    /// The payment that paid the order, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
}

/// The `context` of `/problems/insufficient-tender`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InsufficientTender {
    /// What is due in cash, rounded.
    pub due: Amount,
    /// How much more is needed.
    pub missing: Amount,
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::PaymentStatus::{self, Expired, Failed, Paid, Pending, RefundDue};

    #[test]
    fn money_that_arrived_is_never_lost() {
        for next in [Pending, Paid, Failed, Expired] {
            assert!(!Paid.can_transition_to(next), "{next}");
            assert!(!RefundDue.can_transition_to(next), "{next}");
        }
        assert!(Paid.can_transition_to(RefundDue));
    }

    #[test]
    fn a_refused_payment_stays_refused() {
        assert!(PaymentStatus::VARIANTS.iter().all(|next| !Failed.can_transition_to(*next)));
    }

    #[test]
    fn late_money_of_an_expired_payment_is_taken() {
        assert!(Expired.can_transition_to(Paid) && Expired.can_transition_to(RefundDue));
        assert!(!Expired.can_transition_to(Failed), "its order may have been paid by other money");
    }
}
