//! What may be taken for an order: the rule behind every `POST /api/Payment`.

use contracts::{
    cash_rounding::{RoundingStep, cash_due},
    money::{Amount, Currency, Money},
    payment::{CHANGE_MINOR_MAX, CreatePayment, PaymentMethod},
};

use super::OrderSnapshot;
use crate::error::PaymentError;

/// A request that the rules allow, not yet written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValidatedPayment {
    /// Notes and coins.
    Cash(CashPayment),
    /// A QR code for the order's total.
    Qris,
}

/// The sums of a cash payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CashPayment {
    pub(crate) rounding: Money,
    pub(crate) due: Money,
    pub(crate) tendered: Money,
    pub(crate) change: Money,
}

/// The shop's methods that work now. QRIS needs a gateway and knows no currency but the rupiah.
pub(crate) fn available_methods(
    methods: &[PaymentMethod],
    has_gateway: bool,
    currency: Currency,
) -> Vec<PaymentMethod> {
    let is_available = |method: &PaymentMethod| match method {
        PaymentMethod::Cash => true,
        PaymentMethod::Qris => has_gateway && currency == Currency::IDR,
    };
    methods.iter().copied().filter(is_available).collect()
}

/// The methods that a kiosk takes: there is nobody to count notes and give change.
pub(crate) fn methods_at_kiosk(methods: Vec<PaymentMethod>) -> Vec<PaymentMethod> {
    methods.into_iter().filter(|method| *method != PaymentMethod::Cash).collect()
}

/// Decides whether `order` can be paid by `request`. `available` are the methods that work now.
pub(crate) fn validate_payment(
    order: &OrderSnapshot,
    request: &CreatePayment,
    available: &[PaymentMethod],
    step: RoundingStep,
) -> Result<ValidatedPayment, PaymentError> {
    order.require_open()?;
    if !available.contains(&request.method) {
        return Err(PaymentError::MethodNotAccepted { method: request.method, available: available.to_vec() });
    }
    if request.amount != order.total.amount() {
        let order_number = order.order_number.clone();
        return Err(PaymentError::AmountMismatch { order: order_number, sent: request.amount, total: order.total });
    }
    match (request.method, request.tendered) {
        (PaymentMethod::Cash, tendered) => validate_cash(order.total, tendered, step).map(ValidatedPayment::Cash),
        (PaymentMethod::Qris, Some(_)) => Err(PaymentError::TenderNotAllowed),
        (PaymentMethod::Qris, None) if order.total.minor == 0 => Err(PaymentError::NothingToPay),
        (PaymentMethod::Qris, None) => Ok(ValidatedPayment::Qris),
    }
}

fn validate_cash(total: Money, tendered: Option<Amount>, step: RoundingStep) -> Result<CashPayment, PaymentError> {
    let (due, rounding) = cash_due(total, step)?;
    let tendered = tendered.ok_or(PaymentError::MissingTender { due })?.money(total.currency)?;
    let change = tendered.minus(due)?;
    if change.minor < 0 {
        let missing = due.minus(tendered)?;
        return Err(PaymentError::InsufficientTender { tendered, due, missing });
    }
    if change.minor > CHANGE_MINOR_MAX {
        return Err(PaymentError::ExcessiveTender { tendered, due });
    }
    Ok(CashPayment { rounding, due, tendered, change })
}

#[cfg(test)]
mod tests {
    use contracts::{ids::OrderId, time::Timestamp};

    use super::*;
    use crate::model::order_snapshot::OrderState;

    const BOTH: &[PaymentMethod] = &[PaymentMethod::Cash, PaymentMethod::Qris];

    fn idr(minor: i64) -> Money {
        Money::new(minor, Currency::IDR)
    }

    fn order(total: i64, state: OrderState) -> OrderSnapshot {
        let order_id = OrderId::new(Timestamp(0));
        let (order_version, order_number, device_id) = (1, "A-0001".into(), None);
        OrderSnapshot { order_id, order_version, order_number, total: idr(total), cups: 0, device_id, state }
    }

    fn request(method: PaymentMethod, amount: i64, tendered: Option<i64>) -> CreatePayment {
        let order_id = OrderId::new(Timestamp(0));
        CreatePayment { order_id, method, amount: Amount::whole(amount), tendered: tendered.map(Amount::whole) }
    }

    fn validate_cash_of(total: i64, tendered: Option<i64>) -> Result<ValidatedPayment, PaymentError> {
        let request = request(PaymentMethod::Cash, total, tendered);
        validate_payment(&order(total, OrderState::Open), &request, BOTH, RoundingStep::HUNDRED)
    }

    #[test]
    fn change_is_counted_from_the_rounded_amount() {
        let validated = validate_cash_of(92_430, Some(100_000)).unwrap();
        let cash = CashPayment { rounding: idr(-30), due: idr(92_400), tendered: idr(100_000), change: idr(7_600) };
        assert_eq!(validated, ValidatedPayment::Cash(cash));
    }

    #[test]
    fn the_rounded_amount_itself_is_enough() {
        assert!(validate_cash_of(92_430, Some(92_400)).is_ok());
        let refused = validate_cash_of(92_430, Some(92_300)).unwrap_err();
        assert!(refused.to_string().contains("100 more"), "{refused}");
    }

    #[test]
    fn change_of_more_than_ten_million_rupiah_is_a_typing_mistake() {
        assert!(validate_cash_of(92_430, Some(92_400 + CHANGE_MINOR_MAX)).is_ok());
        let refused = validate_cash_of(92_430, Some(92_401 + CHANGE_MINOR_MAX)).unwrap_err();
        assert!(matches!(refused, PaymentError::ExcessiveTender { .. }), "{refused}");
    }

    #[test]
    fn cash_without_the_tendered_sum_is_refused() {
        assert!(matches!(validate_cash_of(25_000, None), Err(PaymentError::MissingTender { .. })));
    }

    #[test]
    fn an_amount_that_differs_by_one_rupiah_is_refused() {
        let request = request(PaymentMethod::Cash, 24_999, Some(30_000));
        let refused = validate_payment(&order(25_000, OrderState::Open), &request, BOTH, RoundingStep::HUNDRED);
        assert!(matches!(refused, Err(PaymentError::AmountMismatch { .. })));
    }

    #[test]
    fn a_free_order_is_paid_with_cash_of_nothing_and_never_with_a_qr_code() {
        assert!(validate_cash_of(0, Some(0)).is_ok());
        let request = request(PaymentMethod::Qris, 0, None);
        let refused = validate_payment(&order(0, OrderState::Open), &request, BOTH, RoundingStep::HUNDRED);
        assert!(matches!(refused, Err(PaymentError::NothingToPay)));
    }

    #[test]
    fn an_order_that_is_not_open_cannot_be_paid() {
        for state in [
            OrderState::Paid(None),
            OrderState::Cancelled,
            OrderState::Expired,
            OrderState::Closed,
            OrderState::Closing,
        ] {
            let request = request(PaymentMethod::Cash, 25_000, Some(25_000));
            let refused = validate_payment(&order(25_000, state), &request, BOTH, RoundingStep::HUNDRED);
            assert!(refused.is_err(), "{state:?}");
        }
    }

    #[test]
    fn qris_needs_a_gateway_and_the_rupiah() {
        assert_eq!(available_methods(BOTH, true, Currency::IDR), BOTH);
        assert_eq!(available_methods(BOTH, false, Currency::IDR), [PaymentMethod::Cash]);
        assert_eq!(available_methods(BOTH, true, "USD".parse().unwrap()), [PaymentMethod::Cash]);
    }
}
