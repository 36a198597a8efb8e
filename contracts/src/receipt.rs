//! The receipt: one document, written by three services, printed and shown.
//!
//! In the cache each service owns one field of the hash `receipt:{orderId}`, so that none can overwrite another's.
//! Readers assemble the parts with [`Receipt::assemble`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    audit::Actor,
    ids::{OrderId, PaymentId},
    money::Amount,
    order::{OrderItemView, OrderStatus, OrderView, PriceView, dispensable_cups},
    payment_method::PaymentMethod,
    qr::CodeView,
    time::Timestamp,
};

/// How long the cache keeps a receipt: a business day. After that it is assembled from the services.
pub const RECEIPT_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The key of an order's receipt in the cache.
#[must_use]
pub fn cache_key(order_id: OrderId) -> String {
    format!("receipt:{order_id}")
}

/// The fields of the hash: one for each writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptField {
    /// [`ReceiptOrder`], by Order.
    Order,
    /// [`ReceiptPayment`], by Payment. JSON `null` if Payment withdrew it: read it as absent.
    Payment,
    /// [`ReceiptCodes`], by QR.
    Codes,
}

impl ReceiptField {
    /// The field's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Codes => "qr",
        }
    }
}

/// Order's part. From it alone a reader knows how many codes QR issues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptOrder {
    /// Which order.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// The order's status when this was written.
    pub status: OrderStatus,
    /// The order's version: the newer part wins.
    pub version: i64,
    /// Its lines.
    pub items: Vec<OrderItemView>,
    /// Its price.
    pub price: PriceView,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Who served the guest: the name of the person who placed it, or else of the kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_by: Option<String>,
    /// The name to call out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The table to bring it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How it was paid, for readers without Payment's part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// When it was paid, for readers without Payment's part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
}

impl ReceiptOrder {
    /// How many codes this order has: one for each cup that a machine pours.
    #[must_use]
    pub fn codes_expected(&self) -> usize {
        usize::try_from(dispensable_cups(&self.items)).unwrap_or(usize::MAX)
    }
}

impl From<&OrderView> for ReceiptOrder {
    fn from(order: &OrderView) -> Self {
        Self {
            order_id: order.order_id,
            order_number: order.order_number.clone(),
            status: order.status,
            version: order.version,
            items: order.items.clone(),
            price: order.price.clone(),
            placed_at: order.placed_at,
            served_by: served_by(&order.placed_by),
            customer_name: order.customer_name.clone(),
            table: order.table.clone(),
            payment_method: order.payment_method,
            paid_at: order.paid_at,
        }
    }
}

/// The name of the person, or else of the device.
fn served_by(actor: &Actor) -> Option<String> {
    let person = actor.staff.as_ref().map(|staff| &staff.name);
    person.or_else(|| actor.device.as_ref().map(|device| &device.name)).cloned()
}

/// Payment's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptPayment {
    /// Which.
    pub payment_id: PaymentId,
    /// How.
    pub method: PaymentMethod,
    /// When.
    pub paid_at: Timestamp,
    /// What cash rounding added.
    pub rounding: Amount,
    /// What the guest paid.
    pub due: Amount,
    /// The cash given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tendered: Option<Amount>,
    /// The cash given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Amount>,
    /// Whether no real money moved.
    pub is_test: bool,
}

/// QR's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptCodes {
    /// Whether QR knows that the order is paid: until then its codes do not pour.
    pub is_paid: bool,
    /// The codes of the order's cups, in the order of its lines. Void codes are left out: no receipt shows a code that
    /// no machine accepts.
    pub codes: Vec<CodeView>,
}

/// Whether a receipt's order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptPaymentStatus {
    /// Not yet.
    Pending,
    /// Yes.
    Paid,
}

/// The receipt: steps 6, 12 and 19 in one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Which order.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// The name to call out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The table to bring it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Who served the guest: the name of the person who placed the order, or else of the kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_by: Option<String>,
    /// Its lines.
    pub items: Vec<OrderItemView>,
    /// Its price, part by part.
    pub price: PriceView,
    /// What is owed: `price.total`.
    pub total: Amount,
    /// Whether it is paid.
    pub payment_status: ReceiptPaymentStatus,
    /// How it was paid.
    pub payment_method: Option<PaymentMethod>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// What cash rounding added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Amount>,
    /// What the guest paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Amount>,
    /// The cash given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tendered: Option<Amount>,
    /// The cash given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Amount>,
    /// Whether no real money moved: print TEST on it.
    pub is_test: bool,
    /// The first code. Null if the order has none.
    pub qr_code: Option<String>,
    /// Until when the first code pours.
    pub qr_expires_at: Option<Timestamp>,
    /// Every code, one for each cup.
    pub qr_codes: Vec<CodeView>,
    /// Whether codes are still being issued, or do not pour yet though the order is paid: ask again.
    pub qr_pending: bool,
}

impl Receipt {
    /// Assembles the parts. Without Payment's, the receipt shows what Order knows of the payment: how and when.
    ///
    /// A cancelled order is never paid: money that arrived for it is refunded, so a payment that a late writer left in
    /// the cache is not shown.
    #[must_use]
    pub fn assemble(order: ReceiptOrder, payment: Option<&ReceiptPayment>, codes: Option<ReceiptCodes>) -> Self {
        let payment = payment.filter(|_| order.status != OrderStatus::Cancelled);
        let expected = order.codes_expected();
        let ReceiptCodes { is_paid: codes_are_paid, codes: qr_codes } = codes.unwrap_or_default();
        let method = payment.map(|part| part.method).or(order.payment_method);
        let paid_at = payment.map(|part| part.paid_at).or(order.paid_at);
        let awaits_codes = match order.status {
            OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Ready => true,
            // Its payment came late: the order is revived with new codes, or the money is refunded.
            OrderStatus::Expired => paid_at.is_some(),
            // An order that was handed over or cancelled has no code to wait for.
            OrderStatus::Completed | OrderStatus::Cancelled => false,
        };
        let is_behind = qr_codes.len() < expected || (expected > 0 && paid_at.is_some() && !codes_are_paid);
        let payment_status = match paid_at {
            Some(_) => ReceiptPaymentStatus::Paid,
            None => ReceiptPaymentStatus::Pending,
        };
        Self {
            order_id: order.order_id,
            order_number: order.order_number,
            customer_name: order.customer_name,
            table: order.table,
            placed_at: order.placed_at,
            served_by: order.served_by,
            total: order.price.total,
            items: order.items,
            price: order.price,
            payment_status,
            payment_method: method,
            paid_at,
            rounding: payment.map(|part| part.rounding),
            due: payment.map(|part| part.due),
            tendered: payment.and_then(|part| part.tendered),
            change: payment.and_then(|part| part.change),
            is_test: payment.is_some_and(|part| part.is_test),
            qr_code: qr_codes.first().map(|code| code.code.clone()),
            qr_expires_at: qr_codes.first().map(|code| code.expires_at),
            qr_pending: awaits_codes && is_behind,
            qr_codes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        device::DeviceRef,
        ids::{DeviceId, ProductId, StaffId},
        money::Currency,
        qr::CodeStatus,
        staff::{Role, StaffRef},
    };

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn order(status: OrderStatus, cups: u32) -> ReceiptOrder {
        let amount = Amount::whole(25_000);
        let item = OrderItemView {
            line: 1,
            product_id: ProductId::new(NOW),
            product_name: "Latte".into(),
            quantity: cups.max(1),
            unit_price: amount,
            line_total: amount,
            options: Vec::new(),
            note: None,
            is_dispensable: cups > 0,
            poured: 0,
            in_review: 0,
        };
        let price = PriceView {
            currency: Currency::IDR,
            subtotal: amount,
            discount: Amount::ZERO,
            service: Amount::ZERO,
            taxes: Vec::new(),
            tax: Amount::ZERO,
            total: amount,
        };
        ReceiptOrder {
            order_id: OrderId::new(NOW),
            order_number: "A-0001".into(),
            status,
            version: 1,
            items: vec![item],
            price,
            placed_at: NOW,
            served_by: Some("Sari".into()),
            customer_name: None,
            table: None,
            payment_method: None,
            paid_at: None,
        }
    }

    fn paid() -> ReceiptPayment {
        ReceiptPayment {
            payment_id: PaymentId::new(NOW),
            method: PaymentMethod::Cash,
            paid_at: NOW,
            rounding: Amount::ZERO,
            due: Amount::whole(25_000),
            tendered: None,
            change: None,
            is_test: false,
        }
    }

    fn codes(is_paid: bool, statuses: &[CodeStatus]) -> ReceiptCodes {
        let code = |(index, status): (usize, &CodeStatus)| CodeView {
            code: format!("QR-20261122-{index:016}"),
            order_id: OrderId::new(NOW),
            line: 1,
            unit: 1,
            cup: "1/1".into(),
            product_id: ProductId::new(NOW),
            product_name: "Latte".into(),
            dispense_ml: 240,
            status: *status,
            expires_at: NOW,
            device_id: None,
            version: 1,
        };
        ReceiptCodes { is_paid, codes: statuses.iter().enumerate().map(code).collect() }
    }

    fn is_pending(order: ReceiptOrder, payment: Option<&ReceiptPayment>, codes: Option<ReceiptCodes>) -> bool {
        Receipt::assemble(order, payment, codes).qr_pending
    }

    #[test]
    fn codes_are_pending_until_there_is_one_for_each_cup() {
        use OrderStatus::{Cancelled, Completed, Pending, Processing, Ready};
        let one_of_two = || Some(codes(false, &[CodeStatus::Pending]));
        for status in [Pending, Processing, Ready] {
            assert!(is_pending(order(status, 1), None, None), "{status:?}");
            assert!(is_pending(order(status, 2), None, one_of_two()), "{status:?}");
            assert!(!is_pending(order(status, 1), None, one_of_two()), "{status:?}");
        }
        for status in [Completed, Cancelled] {
            assert!(
                !is_pending(order(status, 2), Some(&paid()), one_of_two()),
                "{status:?}: there is nothing to wait for"
            );
        }
        assert!(!is_pending(order(Processing, 0), Some(&paid()), None), "cake has no code");
    }

    #[test]
    fn codes_of_a_paid_order_are_pending_until_qr_knows_of_the_payment() {
        for unpaid in [CodeStatus::Pending, CodeStatus::Expired] {
            assert!(
                is_pending(order(OrderStatus::Pending, 1), Some(&paid()), Some(codes(false, &[unpaid]))),
                "{unpaid:?}"
            );
        }
        for known in [CodeStatus::Active, CodeStatus::Leased, CodeStatus::Used, CodeStatus::Expired] {
            assert!(
                !is_pending(order(OrderStatus::Pending, 1), Some(&paid()), Some(codes(true, &[known]))),
                "{known:?}"
            );
        }
    }

    #[test]
    fn a_person_served_the_guest_or_else_the_kiosk() {
        let device = Some(DeviceRef { device_id: DeviceId::new(NOW), name: "Kiosk 1".into() });
        let staff = Some(StaffRef { staff_id: StaffId::new(NOW), name: "Sari".into(), role: Role::Cashier });
        let kiosk = Actor { device, ..Actor::default() };
        assert_eq!(served_by(&kiosk).as_deref(), Some("Kiosk 1"));
        assert_eq!(served_by(&Actor { staff, ..kiosk }).as_deref(), Some("Sari"));
        assert_eq!(served_by(&Actor::default()), None);
    }

    #[test]
    fn a_cancelled_order_is_never_shown_as_paid() {
        let receipt = Receipt::assemble(order(OrderStatus::Cancelled, 0), Some(&paid()), None);
        assert_eq!(receipt.payment_status, ReceiptPaymentStatus::Pending);
        assert_eq!((receipt.payment_method, receipt.paid_at, receipt.due), (None, None, None));
    }

    #[test]
    fn an_expired_order_waits_for_new_codes_once_its_late_payment_came() {
        assert!(!is_pending(order(OrderStatus::Expired, 1), None, Some(codes(false, &[]))));
        assert!(is_pending(order(OrderStatus::Expired, 1), Some(&paid()), Some(codes(false, &[]))));
    }
}
