//! Payments as they are.

use contracts::{
    PAGE_ROWS_MAX, Page,
    ids::{OrderId, PaymentId},
    payment::{PaymentMethod, PaymentView},
    receipt::ReceiptPayment,
};

use crate::{
    Payments,
    error::PaymentError,
    model,
    store::{self, Wanted},
};

impl Payments {
    /// The methods by which a guest can pay right now.
    pub(crate) fn working_methods(&self) -> Vec<PaymentMethod> {
        let shop = self.shop.current();
        model::working_methods(&shop.settings().payment_methods, self.gateway.is_some(), shop.currency())
    }

    /// One page of payments, newest first, at most `limit` of them.
    pub(crate) async fn list(&self, wanted: Wanted, limit: u32) -> Result<Page<PaymentView>, PaymentError> {
        let found = self.db.read(move |tx| store::list(tx, &wanted, limit + 1)).await?;
        let found: Vec<PaymentView> = found.iter().map(model::Payment::view).collect();
        Ok(Page::of(found, limit, |payment| payment.payment_id))
    }

    /// One payment.
    pub(crate) async fn one(&self, payment_id: PaymentId) -> Result<PaymentView, PaymentError> {
        let found = self.db.point_read(move |tx| store::find(tx, payment_id)).await?;
        found.map(|payment| payment.view()).ok_or(PaymentError::UnknownPayment(payment_id))
    }

    /// The payments of an order, newest first.
    pub(crate) async fn of_order(&self, order_id: OrderId) -> Result<Vec<PaymentView>, PaymentError> {
        let wanted = Wanted { order_id: Some(order_id), ..Wanted::default() };
        let found = self.db.read(move |tx| store::list(tx, &wanted, PAGE_ROWS_MAX)).await?;
        Ok(found.iter().map(model::Payment::view).collect())
    }

    /// Payment's part of an order's receipt. `None`: the order is not paid.
    pub(crate) async fn receipt_part(&self, order_id: OrderId) -> Result<Option<ReceiptPayment>, PaymentError> {
        let paid = self.db.point_read(move |tx| store::paid_of_order(tx, order_id)).await?;
        Ok(paid.and_then(|payment| model::receipt_part(&payment.view())))
    }
}
