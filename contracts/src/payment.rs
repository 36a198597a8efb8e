//! Payments: how one is made, what it looks like, and which way it may go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Word,
    ids::{OrderId, PaymentId},
    money::{Amount, Currency},
    receipt::Receipt,
    time::Micros,
};

/// What staff write down when they confirm a payment by hand: a bank's reference.
pub const REFERENCE_CHARS_MAX: usize = 120;

/// How a guest pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentMethod {
    /// Notes and coins.
    Cash,
    /// Indonesia's national QR, through a gateway.
    Qris,
}

impl Word for PaymentMethod {
    const ALL: &'static [Self] = &[Self::Cash, Self::Qris];

    fn word(self) -> &'static str {
        match self {
            Self::Cash => "CASH",
            Self::Qris => "QRIS",
        }
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
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
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Paid | Self::Failed | Self::Expired | Self::RefundDue),
            // Late money for a QR that was given up; or its order lives again and the QR still takes money.
            Self::Expired => matches!(next, Self::Pending | Self::Paid | Self::RefundDue),
            Self::Paid => matches!(next, Self::RefundDue),
            Self::Failed | Self::RefundDue => false,
        }
    }
}

impl Word for PaymentStatus {
    const ALL: &'static [Self] = &[Self::Pending, Self::Paid, Self::Failed, Self::Expired, Self::RefundDue];

    fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paid => "PAID",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
            Self::RefundDue => "REFUND_DUE",
        }
    }
}

/// `POST /api/Payment` (step 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pay {
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
    pub created_at: Micros,
    /// When the money came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Micros>,
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
    pub expires_at: Micros,
}

/// `GET /api/Payment/methods`: how guests can pay right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkingMethods {
    /// The shop's methods without those that have no gateway.
    pub methods: Vec<PaymentMethod>,
}

/// The `context` of `/problems/amount-differs`: what the order costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmountDiffers {
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

/// The `context` of `/problems/tendered-too-little`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenderedTooLittle {
    /// What is due in cash, rounded.
    pub due: Amount,
    /// How much more it takes.
    pub missing: Amount,
}

#[cfg(test)]
mod tests {
    use super::PaymentStatus::{self, Expired, Failed, Paid, Pending, RefundDue};
    use super::Word;

    #[test]
    fn a_payment_goes_only_the_ways_that_the_design_names() {
        let ways = PaymentStatus::ALL.iter().flat_map(|from| PaymentStatus::ALL.iter().map(|to| (*from, *to)));
        let legal: Vec<_> = ways.filter(|(from, to)| from.may_become(*to)).collect();
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
