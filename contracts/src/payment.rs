//! Payments: how one is made, what it looks like, and which way it may go.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{
    ids::{OrderId, PaymentId},
    money::{Amount, Currency},
    receipt::Receipt,
    time::Timestamp,
};

pub use crate::payment_method::PaymentMethod;

/// What staff write down when they confirm a payment by hand: a bank's reference.
pub const REFERENCE_CHARS_MAX: usize = 120;

/// Where a payment stands.
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
    /// The guest has been asked; the money has not come.
    Pending,
    /// The money is here and the order is paid by it.
    Paid,
    /// The gateway said no.
    Failed,
    /// Given up. A QR that was shown stays payable, so money may still come.
    Expired,
    /// The money is here and nothing is owed for it: it must go back.
    RefundDue,
}

impl PaymentStatus {
    /// Whether a payment may go from `self` to `next`.
    #[must_use]
    pub const fn can_transition_to(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Paid | Self::Failed | Self::Expired | Self::RefundDue),
            // Late money for a QR that was given up; or its order lives again and the QR still takes money.
            Self::Expired => matches!(next, Self::Pending | Self::Paid | Self::RefundDue),
            Self::Paid => matches!(next, Self::RefundDue),
            Self::Failed | Self::RefundDue => false,
        }
    }
}

/// `POST /api/Payment` (step 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePayment {
    /// Which order.
    pub order_id: OrderId,
    /// How.
    pub method: PaymentMethod,
    /// The order's total, before cash rounding.
    pub amount: Amount,
    /// The cash that the guest gave; required of CASH, refused otherwise.
    #[serde(default)]
    pub tendered: Option<Amount>,
}

/// `POST /api/Payment/{paymentId}/confirm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmPayment {
    /// Where the gateway cannot be asked: the reference on the bank's notice, as proof that the money came.
    #[serde(default)]
    pub reference: Option<String>,
}

/// `POST /internal/Payment/order/{orderId}/close`: Order asks before it cancels or expires an order. The answer is
/// Payment's part of the receipt if the order is paid; null if no money was taken, and then Payment takes none for
/// [`CLOSE_SECONDS`]: long enough for Order to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseOrder {
    /// The version that the order will have once it is closed.
    pub order_version: i64,
}

/// How long Payment takes no money for an order that Order is about to close.
pub const CLOSE_SECONDS: u64 = 10;

/// A payment as everyone sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    /// Its id.
    pub payment_id: PaymentId,
    /// The order that it pays.
    pub order_id: OrderId,
    /// How.
    pub method: PaymentMethod,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The currency of every amount.
    pub currency: Currency,
    /// The order's total.
    pub amount: Amount,
    /// What cash rounding added (or took, where negative).
    pub rounding: Amount,
    /// `amount` plus `rounding`: what changes hands.
    pub due: Amount,
    /// The cash given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tendered: Option<Amount>,
    /// The cash to give back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Amount>,
    /// The QR to show, of a QRIS payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qris: Option<QrisView>,
    /// The gateway's or the bank's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether no real money moved: the mock gateway's.
    pub is_test: bool,
    /// Why it must go back, of REFUND_DUE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the money came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
    /// The whole receipt as it stands now (step 20): in the answers to a payment and to its confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// The QR of a QRIS payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QrisView {
    /// The EMVCo payload that the QR holds.
    pub payload: String,
    /// When the gateway stops taking it.
    pub expires_at: Timestamp,
}

/// `GET /api/Payment/methods`: how guests can pay right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailableMethods {
    /// The shop's methods without those that have no gateway.
    pub methods: Vec<PaymentMethod>,
}

/// The `context` of `/problems/amount-mismatch`: what the order costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmountMismatch {
    /// The order's total.
    pub total: Amount,
    /// In which currency.
    pub currency: Currency,
}

/// The `context` of `/problems/already-paid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlreadyPaid {
    /// The payment that paid the order, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
}

/// The `context` of `/problems/insufficient-tender`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InsufficientTender {
    /// What is due in cash, rounded.
    pub due: Amount,
    /// How much more it takes.
    pub missing: Amount,
}

#[cfg(test)]
mod tests {
    use super::PaymentStatus::{self, Expired, Failed, Paid, Pending, RefundDue};
    use strum::VariantArray;

    #[test]
    fn a_payment_goes_only_the_ways_that_the_design_names() {
        let ways =
            PaymentStatus::VARIANTS.iter().flat_map(|from| PaymentStatus::VARIANTS.iter().map(|to| (*from, *to)));
        let legal: Vec<_> = ways.filter(|(from, to)| from.can_transition_to(*to)).collect();
        assert_eq!(
            legal,
            [
                (Pending, Paid),
                (Pending, Failed),
                (Pending, Expired),
                (Pending, RefundDue),
                (Paid, RefundDue),
                (Expired, Pending),
                (Expired, Paid),
                (Expired, RefundDue),
            ]
        );
    }
}
