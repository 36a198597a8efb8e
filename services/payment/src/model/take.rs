//! What may be taken for an order: the rule that every `POST /api/Payment` goes through.

use contracts::{
    cash_rounding::{RoundingStep, cash_due},
    ids::{OrderId, PaymentId},
    money::{Amount, Currency, Money, MoneyError},
    order::{AmountDue, OrderStatus},
    payment::{CreatePayment, PaymentMethod},
};

use crate::error::PaymentError;

/// What an order owes, as Order says or as Payment noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderDue {
    pub(crate) order_id: OrderId,
    pub(crate) order_version: i64,
    pub(crate) order_number: String,
    pub(crate) total: Money,
    /// How many cups of it machines pour.
    pub(crate) cups: u32,
    pub(crate) state: OrderState,
}

/// Whether an order takes money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderState {
    /// It does.
    Open,
    /// It has it, by this payment where that is known.
    Paid(Option<PaymentId>),
    /// A person gave it up.
    Cancelled,
    /// Time gave it up.
    Expired,
    /// It was given up; Payment noted only that.
    Closed,
}

/// An order's row in `amounts_due`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) order_id: OrderId,
    pub(crate) order_version: i64,
    pub(crate) is_open: bool,
    pub(crate) order_number: Option<String>,
    pub(crate) total: Option<Money>,
    pub(crate) cups: Option<u32>,
    pub(crate) paid_payment_id: Option<PaymentId>,
}

impl OrderDue {
    /// As Order says.
    pub(crate) fn told(due: AmountDue) -> Result<Self, MoneyError> {
        let state = match due.status {
            OrderStatus::Pending => OrderState::Open,
            OrderStatus::Processing | OrderStatus::Ready | OrderStatus::Completed => OrderState::Paid(None),
            OrderStatus::Cancelled => OrderState::Cancelled,
            OrderStatus::Expired => OrderState::Expired,
        };
        Ok(Self {
            order_id: due.order_id,
            order_version: due.version,
            order_number: due.order_number,
            total: due.total.money(due.currency)?,
            cups: due.cups,
            state,
        })
    }

    /// As Payment noted, while Order is away. `None`: too little is known.
    pub(crate) fn noted(noted: Noted) -> Option<Self> {
        let state = noted.state();
        Some(Self {
            order_id: noted.order_id,
            order_version: noted.order_version,
            order_number: noted.order_number?,
            total: noted.total?,
            cups: noted.cups?,
            state,
        })
    }
}

impl Noted {
    fn state(&self) -> OrderState {
        match (self.paid_payment_id, self.is_open) {
            (Some(payment_id), _) => OrderState::Paid(Some(payment_id)),
            (None, true) => OrderState::Open,
            (None, false) => OrderState::Closed,
        }
    }

    /// Refuses an order that is closed, or paid by any other payment than `by`.
    pub(crate) fn must_take_money(&self, due: &OrderDue, by: Option<PaymentId>) -> Result<(), PaymentError> {
        let others = Self { paid_payment_id: self.paid_payment_id.filter(|paid| Some(*paid) != by), ..self.clone() };
        others.state().must_be_open(&due.order_number)
    }
}

impl OrderState {
    fn must_be_open(self, order_number: &str) -> Result<(), PaymentError> {
        let order = || order_number.to_owned();
        match self {
            Self::Open => Ok(()),
            Self::Paid(payment_id) => Err(PaymentError::AlreadyPaid { order: order(), payment_id }),
            Self::Cancelled => Err(PaymentError::OrderCancelled { order: order() }),
            Self::Expired => Err(PaymentError::OrderExpired { order: order() }),
            Self::Closed => Err(PaymentError::OrderClosed { order: order() }),
        }
    }
}

/// What is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Notes and coins.
    Cash(Cash),
    /// A QR for the whole amount.
    Qris,
}

/// Cash, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cash {
    pub(crate) rounding: Money,
    pub(crate) due: Money,
    pub(crate) tendered: Money,
    pub(crate) change: Money,
}

/// The shop's methods without those that do not work now. QRIS needs a gateway, and is rupiah only.
pub(crate) fn working_methods(methods: &[PaymentMethod], has_gateway: bool, currency: Currency) -> Vec<PaymentMethod> {
    let works = |method: &PaymentMethod| match method {
        PaymentMethod::Cash => true,
        PaymentMethod::Qris => has_gateway && currency == Currency::IDR,
    };
    methods.iter().copied().filter(works).collect()
}

/// Decides what is taken for `due`, or why nothing is. `working` are the methods that work now.
pub(crate) fn take(
    due: &OrderDue,
    request: &CreatePayment,
    working: &[PaymentMethod],
    step: RoundingStep,
) -> Result<Take, PaymentError> {
    due.state.must_be_open(&due.order_number)?;
    if !working.contains(&request.method) {
        return Err(PaymentError::MethodNotAccepted { method: request.method, working: working.to_vec() });
    }
    if request.amount != due.total.amount() {
        let order = due.order_number.clone();
        return Err(PaymentError::AmountMismatch { order, sent: request.amount, total: due.total });
    }
    match (request.method, request.tendered) {
        (PaymentMethod::Cash, tendered) => cash(due.total, tendered, step).map(Take::Cash),
        (PaymentMethod::Qris, Some(_)) => Err(PaymentError::TenderedForQris),
        (PaymentMethod::Qris, None) if due.total.minor == 0 => Err(PaymentError::NothingToPay),
        (PaymentMethod::Qris, None) => Ok(Take::Qris),
    }
}

fn cash(total: Money, tendered: Option<Amount>, step: RoundingStep) -> Result<Cash, PaymentError> {
    let (due, rounding) = cash_due(total, step)?;
    let tendered = tendered.ok_or(PaymentError::TenderedMissing { due })?.money(total.currency)?;
    let change = tendered.minus(due)?;
    if change.minor < 0 {
        let missing = due.minus(tendered)?;
        return Err(PaymentError::InsufficientTender { tendered, due, missing });
    }
    Ok(Cash { rounding, due, tendered, change })
}

#[cfg(test)]
mod tests {
    use contracts::time::Timestamp;

    use super::*;

    const BOTH: &[PaymentMethod] = &[PaymentMethod::Cash, PaymentMethod::Qris];

    fn idr(minor: i64) -> Money {
        Money::new(minor, Currency::IDR)
    }

    fn due(total: i64, state: OrderState) -> OrderDue {
        let order_id = OrderId::new(Timestamp(0));
        OrderDue { order_id, order_version: 1, order_number: "A-0001".into(), total: idr(total), cups: 0, state }
    }

    fn pay(method: PaymentMethod, amount: i64, tendered: Option<i64>) -> CreatePayment {
        let order_id = OrderId::new(Timestamp(0));
        CreatePayment { order_id, method, amount: Amount::whole(amount), tendered: tendered.map(Amount::whole) }
    }

    fn cash_for(total: i64, tendered: Option<i64>) -> Result<Take, PaymentError> {
        let due = due(total, OrderState::Open);
        take(&due, &pay(PaymentMethod::Cash, total, tendered), BOTH, RoundingStep::HUNDRED)
    }

    #[test]
    fn change_is_counted_from_the_rounded_amount() {
        let taken = cash_for(92_430, Some(100_000)).unwrap();
        let cash = Cash { rounding: idr(-30), due: idr(92_400), tendered: idr(100_000), change: idr(7_600) };
        assert_eq!(taken, Take::Cash(cash));
    }

    #[test]
    fn the_rounded_amount_itself_is_enough() {
        assert!(cash_for(92_430, Some(92_400)).is_ok());
        let refused = cash_for(92_430, Some(92_300)).unwrap_err();
        assert!(refused.to_string().contains("100 more"), "{refused}");
    }

    #[test]
    fn cash_without_the_sum_given_is_refused() {
        assert!(matches!(cash_for(25_000, None), Err(PaymentError::TenderedMissing { .. })));
    }

    #[test]
    fn an_amount_that_differs_by_one_rupiah_is_refused() {
        let refused = take(
            &due(25_000, OrderState::Open),
            &pay(PaymentMethod::Cash, 24_999, Some(30_000)),
            BOTH,
            RoundingStep::HUNDRED,
        );
        assert!(matches!(refused, Err(PaymentError::AmountMismatch { .. })));
    }

    #[test]
    fn a_free_order_is_closed_with_cash_of_nothing_and_never_with_a_qr() {
        assert!(cash_for(0, Some(0)).is_ok());
        let refused = take(&due(0, OrderState::Open), &pay(PaymentMethod::Qris, 0, None), BOTH, RoundingStep::HUNDRED)
            .unwrap_err();
        assert!(matches!(refused, PaymentError::NothingToPay));
    }

    #[test]
    fn an_order_that_is_not_open_takes_no_money() {
        for state in [OrderState::Paid(None), OrderState::Cancelled, OrderState::Expired, OrderState::Closed] {
            let request = pay(PaymentMethod::Cash, 25_000, Some(25_000));
            assert!(take(&due(25_000, state), &request, BOTH, RoundingStep::HUNDRED).is_err(), "{state:?}");
        }
    }

    #[test]
    fn qris_works_where_there_is_a_gateway_and_the_rupiah() {
        assert_eq!(working_methods(BOTH, true, Currency::IDR), BOTH);
        assert_eq!(working_methods(BOTH, false, Currency::IDR), [PaymentMethod::Cash]);
        assert_eq!(working_methods(BOTH, true, "USD".parse().unwrap()), [PaymentMethod::Cash]);
    }
}
