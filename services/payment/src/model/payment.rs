//! A payment as its row holds it, and what others see of it.

use contracts::{
    audit::Actor,
    event::PaymentCompleted,
    ids::{OrderId, PaymentId},
    money::Money,
    payment::{PaymentMethod, PaymentStatus, PaymentView, QrisView},
    receipt::ReceiptPayment,
    time::Timestamp,
};

use super::{CashPayment, OrderSnapshot};
use crate::gateways::{Charge, ChargeReference, CreatedCharge};

/// The refund reason of money that arrived for an order which another payment had paid.
pub(crate) const ALREADY_PAID_REASON: &str = "The order was already paid by another payment.";

/// A row of `payments`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) payment_id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) method: PaymentMethod,
    pub(crate) status: PaymentStatus,
    /// The order's total.
    pub(crate) amount: Money,
    /// What cash rounding adds to the amount; negative if it takes away.
    pub(crate) rounding: Money,
    /// What changes hands: amount and rounding.
    pub(crate) due: Money,
    pub(crate) tendered: Option<Money>,
    pub(crate) change: Option<Money>,
    pub(crate) qr: Option<QrCharge>,
    /// The reference of a bank's notice, as staff wrote it down.
    pub(crate) reference: Option<String>,
    pub(crate) is_test: bool,
    pub(crate) refund_reason: Option<String>,
    /// Who entered the cash, or had the QR code shown first.
    pub(crate) taken_by: Actor,
    /// Who confirmed by hand that its money arrived.
    pub(crate) confirmed_by: Option<Actor>,
    pub(crate) created_at: Timestamp,
    pub(crate) paid_at: Option<Timestamp>,
    /// When the gateway is polled next. Only of a QR payment that may still be paid.
    pub(crate) next_poll_at: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
}

/// The gateway's charge behind a QR payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QrCharge {
    pub(crate) payload: String,
    pub(crate) expires_at: Timestamp,
    /// The name of the gateway that made it.
    pub(crate) gateway: String,
    /// The gateway's id of it.
    pub(crate) gateway_reference: String,
}

impl Payment {
    /// A cash payment: PAID from the start.
    pub(crate) fn cash(
        payment_id: PaymentId,
        order: &OrderSnapshot,
        cash: &CashPayment,
        taken_by: Actor,
        now: Timestamp,
    ) -> Self {
        Self {
            method: PaymentMethod::Cash,
            status: PaymentStatus::Paid,
            rounding: cash.rounding,
            due: cash.due,
            tendered: Some(cash.tendered),
            change: Some(cash.change),
            paid_at: Some(now),
            ..Self::pending(payment_id, order, taken_by, now)
        }
    }

    /// A QR payment: PENDING until its money arrives.
    pub(crate) fn qris(
        order: &OrderSnapshot,
        charge: &Charge,
        created: CreatedCharge,
        gateway: &str,
        is_test: bool,
        taken_by: Actor,
    ) -> Self {
        let qr = QrCharge {
            payload: created.payload,
            expires_at: created.expires_at,
            gateway: gateway.to_owned(),
            gateway_reference: created.reference,
        };
        Self { qr: Some(qr), is_test, ..Self::pending(charge.payment_id, order, taken_by, charge.created_at) }
    }

    fn pending(payment_id: PaymentId, order: &OrderSnapshot, taken_by: Actor, now: Timestamp) -> Self {
        Self {
            payment_id,
            order_id: order.order_id,
            method: PaymentMethod::Qris,
            status: PaymentStatus::Pending,
            amount: order.total,
            rounding: Money::zero(order.total.currency),
            due: order.total,
            tendered: None,
            change: None,
            qr: None,
            reference: None,
            is_test: false,
            refund_reason: None,
            taken_by,
            confirmed_by: None,
            created_at: now,
            paid_at: None,
            next_poll_at: None,
            version: 1,
            updated_at: now,
        }
    }

    /// The payment as clients see it, without a receipt.
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
            taken_by: self.taken_by.clone(),
            confirmed_by: self.confirmed_by.clone(),
            created_at: self.created_at,
            paid_at: self.paid_at,
            version: self.version,
            receipt: None,
        }
    }

    /// The event that this payment has paid its order of `cups` cups.
    pub(crate) fn completed_event(&self, cups: u32, paid_at: Timestamp) -> PaymentCompleted {
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

    /// What the gateway needs to find the charge. `None`: the payment has no charge.
    pub(crate) fn charge_reference(&self) -> Option<ChargeReference> {
        let qr = self.qr.as_ref()?;
        let reference = qr.gateway_reference.clone();
        Some(ChargeReference { reference, created_at: self.created_at, expires_at: qr.expires_at })
    }

    /// Whether its QR code can be shown for `order` at `now`: it asks for the order's total and has not expired.
    pub(crate) fn can_be_shown_for(&self, order: &OrderSnapshot, now: Timestamp) -> bool {
        self.due == order.total && self.qr.as_ref().is_some_and(|qr| now < qr.expires_at)
    }
}

/// Payment's part of a receipt. `None` unless `payment` paid its order.
pub(crate) fn receipt_payment(payment: &PaymentView) -> Option<ReceiptPayment> {
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
