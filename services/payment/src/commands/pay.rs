//! `POST /api/Payment` (steps 15 to 20).

use contracts::{
    ids::{OrderId, PaymentId},
    order::AmountDue,
    payment::{CreatePayment, PaymentStatus, PaymentView},
};
use db::{
    idempotency::{self, IdempotencyKey},
    outbox,
};
use web::CallError;

use super::{Answer, ask::Asked};
use crate::{
    Payments,
    error::PaymentError,
    model::{self, Cash, Noted, OrderDue, Payment, Take},
    store::{self, Movement},
};

/// How often a payment is tried anew after another request changed the same order's payments meanwhile.
const ATTEMPTS_MAX: u32 = 3;
/// How many QRs of an order are asked about before money is taken. Each was shown to a guest who then did not pay.
const UNSETTLED_QRS_MAX: u32 = 20;

/// What the database says of a request before money is taken.
enum Known {
    /// It was answered before.
    Answered(Box<PaymentView>),
    /// The order, where it was heard of, and its QRs that may still bring money.
    Order { noted: Option<Noted>, unsettled: Vec<Payment> },
}

impl Payments {
    /// Takes money for an order, or shows a QR that does. The answer has the receipt as it then stands.
    pub(crate) async fn pay(
        &self,
        key: Option<IdempotencyKey>,
        request: CreatePayment,
    ) -> Result<PaymentView, PaymentError> {
        let mut tries = 1;
        loop {
            match self.try_to_pay(key.clone(), &request).await {
                Err(PaymentError::Raced) if tries < ATTEMPTS_MAX => tries += 1,
                answer => return Ok(self.with_receipt(answer?).await),
            }
        }
    }

    async fn try_to_pay(&self, key: Option<IdempotencyKey>, request: &CreatePayment) -> Result<Answer, PaymentError> {
        let (known, told) = tokio::join!(self.known(key.clone(), request.order_id), self.ask_order(request.order_id));
        let (noted, unsettled) = match known? {
            Known::Answered(payment) => return Ok(Answer::replay(*payment)),
            Known::Order { noted, unsettled } => (noted, unsettled),
        };
        let due = due(request.order_id, told, noted)?;
        match model::take(&due, request, &self.working_methods(), self.shop.current().cash_step())? {
            Take::Cash(cash) => self.take_cash(key, due, cash, &unsettled).await,
            Take::Qris => self.show_qr(key, due, unsettled).await,
        }
    }

    async fn known(&self, key: Option<IdempotencyKey>, order_id: OrderId) -> Result<Known, PaymentError> {
        let read = move |tx: &mut db::Tx<'_>| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok(Known::Answered(Box::new(earlier)));
            }
            let noted = store::noted_due(tx, order_id)?;
            let unsettled = match noted {
                Some(_) => store::unsettled_of_order(tx, order_id, UNSETTLED_QRS_MAX)?,
                None => Vec::new(),
            };
            Ok(Known::Order { noted, unsettled })
        };
        self.db.point_read(read).await
    }

    async fn ask_order(&self, order_id: OrderId) -> Result<AmountDue, CallError> {
        self.order.get(&format!("/internal/Order/{order_id}/due")).await
    }

    /// Steps 16 to 18 for cash: one write decides whether this money pays the order, and says so.
    async fn take_cash(
        &self,
        key: Option<IdempotencyKey>,
        due: OrderDue,
        cash: Cash,
        unsettled: &[Payment],
    ) -> Result<Answer, PaymentError> {
        self.must_not_be_paid_by_qr(&due, unsettled).await?;
        let now = self.clock.now();
        let payment = Payment::cash(PaymentId::new(now), &due, &cash, now);
        let write = move |tx: &mut db::Tx<'_>| {
            if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                return Ok(Answer::replay(earlier));
            }
            let noted = store::note_due(tx, &due, true, Some(payment.payment_id))?;
            noted.must_take_money(&due, Some(payment.payment_id))?;
            store::give_up_pending(tx, due.order_id, now)?;
            if !store::insert_payment(tx, &payment)? {
                return Err(PaymentError::Raced);
            }
            store::insert_transaction(tx, &payment, Movement::CashIn, cash.tendered.minor, now)?;
            if cash.change.minor > 0 {
                store::insert_transaction(tx, &payment, Movement::ChangeOut, -cash.change.minor, now)?;
            }
            outbox::append(tx, &payment.completed(due.cups, now), now)?;
            let view = payment.view();
            idempotency::save_response(tx, key.as_ref(), &view, now)?;
            Ok(Answer::new(view))
        };
        self.db.write(write).await
    }

    /// The guest may have paid a QR on the way to the till. A gateway that is away does not keep the cashier from
    /// taking cash: late money is then given back.
    async fn must_not_be_paid_by_qr(&self, due: &OrderDue, unsettled: &[Payment]) -> Result<(), PaymentError> {
        match self.ask_about(unsettled, due).await? {
            Asked::Settled(paid) if paid.status == PaymentStatus::Paid => {
                let (order, payment_id) = (due.order_number.clone(), Some(paid.payment_id));
                Err(PaymentError::AlreadyPaid { order, payment_id })
            }
            Asked::Settled(_) | Asked::StillPayable(_) | Asked::NothingPayable | Asked::Away => Ok(()),
        }
    }
}

/// What the order owes: Order's word, or while it is away what was noted.
fn due(order_id: OrderId, told: Result<AmountDue, CallError>, noted: Option<Noted>) -> Result<OrderDue, PaymentError> {
    let why = match told {
        Ok(due) => return Ok(OrderDue::told(due)?),
        Err(CallError::Refused(problem)) if problem.status == 404 => return Err(PaymentError::UnknownOrder(order_id)),
        Err(error) => error,
    };
    tracing::warn!(%order_id, error = %why, "order cannot be asked what is due; what was noted counts");
    noted.and_then(OrderDue::noted).ok_or(PaymentError::OrderAway(order_id))
}
