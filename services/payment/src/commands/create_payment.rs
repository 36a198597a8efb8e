//! `POST /api/Payment` (steps 15 to 20): what both methods share, before one of them writes.

use access::Caller;
use contracts::{
    ids::OrderId,
    order::AmountDue,
    payment::{CreatePayment, PaymentMethod, PaymentView},
    time::Timestamp,
};
use db::{
    Tx,
    idempotency::{self, Answer, IdempotencyKey},
};
use errors::chain;
use web::CallError;

use super::Payments;
use crate::{
    error::PaymentError,
    model::{self, AmountDueRow, OrderSnapshot, Payment, ValidatedPayment},
    store,
};

/// How often a request is attempted if others change the payments of its order at the same time.
const ATTEMPTS_MAX: u32 = 3;
/// How many QR codes of an order are checked before it is paid again. Each was shown to a guest who then did not pay.
const UNSETTLED_QRS_MAX: u32 = 20;

/// What the database knows before a payment is made.
enum Known {
    /// The request was answered before.
    Response(Box<PaymentView>),
    /// The order, if an event recorded it, and its QR payments whose money may still arrive.
    Order { amount_due: Option<AmountDueRow>, unsettled: Vec<Payment> },
}

impl Payments {
    /// Takes cash for an order, or makes a QR code for it. The response has the current receipt. A kiosk takes no cash, and
    /// pays only its own orders.
    #[tracing::instrument(level = "debug", skip_all, fields(order_id = %request.order_id))]
    pub(crate) async fn create_payment(
        &self,
        caller: &Caller,
        key: Option<IdempotencyKey>,
        request: CreatePayment,
    ) -> Result<PaymentView, PaymentError> {
        if caller.kiosk().is_some() && request.method == PaymentMethod::Cash {
            return Err(PaymentError::CashAtKiosk);
        }
        let mut attempts = 1;
        loop {
            match self.try_create_payment(caller, key.clone(), &request).await {
                Err(PaymentError::ConcurrentChange) if attempts < ATTEMPTS_MAX => attempts += 1,
                answer => return Ok(self.attach_receipt(answer?).await),
            }
        }
    }

    async fn try_create_payment(
        &self,
        caller: &Caller,
        key: Option<IdempotencyKey>,
        request: &CreatePayment,
    ) -> Result<Answer<PaymentView>, PaymentError> {
        let order_id = request.order_id;
        let (known, response) = tokio::join!(self.find_known(key.clone(), order_id), self.fetch_amount_due(order_id));
        let (amount_due, unsettled) = match known? {
            Known::Response(payment) => return Ok(Answer::Repeated(*payment)),
            Known::Order { amount_due, unsettled } => (amount_due, unsettled),
        };
        let order = order_snapshot(order_id, response, amount_due, self.clock.now())?;
        order.require_visible_to(caller.kiosk().map(|kiosk| kiosk.device_id))?;
        let (methods, taken_by) = (self.available_methods(caller), caller.actor());
        match model::validate_payment(&order, request, &methods, self.shop.current().cash_step())? {
            ValidatedPayment::Cash(cash) => self.create_cash_payment(taken_by, key, order, cash, &unsettled).await,
            ValidatedPayment::Qris => self.create_qris_payment(taken_by, key, order, unsettled).await,
        }
    }

    async fn find_known(&self, key: Option<IdempotencyKey>, order_id: OrderId) -> Result<Known, PaymentError> {
        let find = move |tx: &mut Tx<'_>| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok(Known::Response(Box::new(earlier)));
            }
            let amount_due = store::find_amount_due(tx, order_id)?;
            let unsettled = match amount_due {
                Some(_) => store::list_unsettled_of_order(tx, order_id, UNSETTLED_QRS_MAX)?,
                None => Vec::new(),
            };
            Ok(Known::Order { amount_due, unsettled })
        };
        self.db.point_read(find).await
    }

    async fn fetch_amount_due(&self, order_id: OrderId) -> Result<AmountDue, CallError> {
        self.order.get(&format!("/internal/Order/{order_id}/due")).await
    }

    /// The shop's methods that work right now on the device of `caller`.
    pub(crate) fn available_methods(&self, caller: &Caller) -> Vec<PaymentMethod> {
        let shop = self.shop.current();
        let methods =
            model::available_methods(&shop.settings().payment_methods, self.gateway.is_some(), shop.currency());
        if caller.kiosk().is_some() { model::methods_at_kiosk(methods) } else { methods }
    }
}

/// The order as Order returned it or, while Order is unavailable, as its events recorded it. An order that is not known
/// yet is refused: [`PaymentError::UnknownOrder`] if Order has no such order, [`PaymentError::OrderUnavailable`] if
/// Order is unavailable and its OrderCreated has not arrived.
fn order_snapshot(
    order_id: OrderId,
    response: Result<AmountDue, CallError>,
    recorded: Option<AmountDueRow>,
    now: Timestamp,
) -> Result<OrderSnapshot, PaymentError> {
    let error = match response {
        Ok(due) => return Ok(OrderSnapshot::from_amount_due(due)?),
        Err(CallError::Refused(problem)) if problem.status == 404 => return Err(PaymentError::UnknownOrder(order_id)),
        Err(error) => error,
    };
    tracing::warn!(%order_id, error = %chain(&error), "amount due taken from recorded events");
    recorded.and_then(|row| OrderSnapshot::from_row(row, now)).ok_or(PaymentError::OrderUnavailable(order_id, error))
}
