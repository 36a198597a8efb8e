//! Rows of the fact tables, and how a changed order changes the daily sums.

use std::collections::BTreeMap;

use contracts::{
    ids::{CategoryId, OrderId, ProductId},
    money::Currency,
    order::{Channel, OrderStatus},
    payment::PaymentMethod,
    time::{BusinessDay, Timestamp},
};

/// An order as of its extraction. Money is in minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderFact {
    /// The order.
    pub order_id: OrderId,
    /// The number that people see.
    pub order_number: String,
    /// Its status.
    pub status: OrderStatus,
    /// The channel in which it was placed.
    pub channel: Channel,
    /// The day whose sales it belongs to.
    pub business_day: BusinessDay,
    /// Its total, before cash rounding.
    pub total: i64,
    /// The discount.
    pub discount: i64,
    /// The service charge.
    pub service: i64,
    /// The tax.
    pub tax: i64,
    /// What cash rounding added to the total, or took away if negative. 0 until it is paid.
    pub rounding: i64,
    /// The currency of its money.
    pub currency: Currency,
    /// The payment method.
    pub payment_method: Option<PaymentMethod>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
    /// Its lines.
    pub lines: Vec<LineFact>,
}

/// A line of an [`OrderFact`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineFact {
    /// Its order.
    pub order_id: OrderId,
    /// Its place in the order.
    pub line: i64,
    /// The product.
    pub product_id: ProductId,
    /// The product's name when it was ordered.
    pub product_name: String,
    /// The product's category at the time of the extraction.
    pub category_id: Option<CategoryId>,
    /// The category's name.
    pub category_name: Option<String>,
    /// The number of units.
    pub quantity: i64,
    /// Unit price times quantity.
    pub line_total: i64,
    /// Its share of the discount.
    pub discount: i64,
    /// Its share of the service charge.
    pub service: i64,
    /// Its share of the tax.
    pub tax: i64,
}

impl OrderFact {
    /// Whether the order is in the sums: it is paid and not cancelled.
    #[must_use]
    pub(crate) fn counts(&self) -> bool {
        self.paid_at.is_some() && self.status != OrderStatus::Cancelled
    }

    /// The number of its units.
    #[must_use]
    pub(crate) fn units(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity).sum()
    }
}

/// The key of a row of `daily_sales`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DayKey {
    /// The business day.
    pub business_day: BusinessDay,
    /// The currency of the sums.
    pub currency: Currency,
    /// The payment method; empty if there is none.
    pub payment_method: &'static str,
}

/// Sums of orders, or a change of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DaySums {
    /// The number of orders.
    pub orders: i64,
    /// The number of their units.
    pub units: i64,
    /// The sum of their totals.
    pub sales: i64,
    /// The discount.
    pub discount: i64,
    /// The service charges.
    pub service: i64,
    /// The taxes.
    pub tax: i64,
    /// The cash rounding.
    pub rounding: i64,
}

/// The key of a row of `product_performance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProductKey {
    /// The business day.
    pub business_day: BusinessDay,
    /// The product.
    pub product_id: ProductId,
    /// The currency of the sums.
    pub currency: Currency,
}

/// Sums of one product, or a change of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProductSums {
    /// The number of units.
    pub units: i64,
    /// Line totals less discounts.
    pub sales: i64,
    /// Its name in its latest order.
    pub product_name: String,
    /// When that order was placed.
    pub named_at: Timestamp,
}

/// What to add to the daily sums, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SumChanges {
    /// To `daily_sales`.
    pub days: BTreeMap<DayKey, DaySums>,
    /// To `product_performance`.
    pub products: BTreeMap<ProductKey, ProductSums>,
}

/// What the daily sums gain when the facts of some orders are replaced: those `after` are in, those `before` are out.
///
/// Sums of whole days would be as right, but a batch of a busy day would read the whole day again each time.
#[must_use]
pub(crate) fn sum_changes(before: &[OrderFact], after: &[OrderFact]) -> SumChanges {
    let mut changes = SumChanges::default();
    for (sign, orders) in [(-1, before), (1, after)] {
        for order in orders.iter().filter(|order| order.counts()) {
            add_order(&mut changes, order, sign);
        }
    }
    changes.days.retain(|_, sums| *sums != DaySums::default());
    changes
}

fn add_order(changes: &mut SumChanges, order: &OrderFact, sign: i64) {
    let OrderFact { business_day, currency, .. } = *order;
    let payment_method = order.payment_method.map_or("", Into::into);
    let day = changes.days.entry(DayKey { business_day, currency, payment_method }).or_default();
    day.orders += sign;
    day.units += sign * order.units();
    day.sales += sign * order.total;
    day.discount += sign * order.discount;
    day.service += sign * order.service;
    day.tax += sign * order.tax;
    day.rounding += sign * order.rounding;
    for line in &order.lines {
        let key = ProductKey { business_day, product_id: line.product_id, currency };
        let product = changes.products.entry(key).or_default();
        product.units += sign * line.quantity;
        product.sales += sign * (line.line_total - line.discount);
        if sign > 0 && (order.placed_at, &line.product_name) >= (product.named_at, &product.product_name) {
            product.named_at = order.placed_at;
            product.product_name.clone_from(&line.product_name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(total: i64) -> OrderFact {
        let order_id = OrderId::new(Timestamp(1));
        let line = LineFact {
            order_id,
            line: 1,
            product_id: "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5".parse().unwrap(),
            product_name: "Latte".into(),
            category_id: None,
            category_name: None,
            quantity: 2,
            line_total: total,
            discount: 0,
            service: 0,
            tax: 0,
        };
        OrderFact {
            order_id,
            order_number: "A-0001".into(),
            status: OrderStatus::Processing,
            channel: Channel::Pos,
            business_day: "2026-11-22".parse().unwrap(),
            total,
            discount: 0,
            service: 0,
            tax: 0,
            rounding: -50,
            currency: Currency::IDR,
            payment_method: Some(PaymentMethod::Cash),
            placed_at: Timestamp(1),
            paid_at: Some(Timestamp(2)),
            updated_at: Timestamp(2),
            version: 2,
            lines: vec![line],
        }
    }

    #[test]
    fn a_paid_order_adds_its_total_its_units_and_its_rounding() {
        let changes = sum_changes(&[], &[order(50_000)]);
        let day = changes.days.values().next().unwrap();
        assert_eq!((day.orders, day.units, day.sales, day.rounding), (1, 2, 50_000, -50));
        let product = changes.products.values().next().unwrap();
        assert_eq!((product.units, product.sales, product.product_name.as_str()), (2, 50_000, "Latte"));
    }

    #[test]
    fn an_order_that_only_changes_its_status_changes_no_sum() {
        let before = order(50_000);
        let after = OrderFact { status: OrderStatus::Completed, version: 3, ..before.clone() };
        let changes = sum_changes(&[before], &[after]);
        assert!(changes.days.is_empty());
        assert!(changes.products.values().all(|product| (product.units, product.sales) == (0, 0)));
    }

    #[test]
    fn an_unpaid_or_cancelled_order_is_in_no_sum() {
        let paid = order(50_000);
        let unpaid = OrderFact { paid_at: None, payment_method: None, status: OrderStatus::Pending, ..paid.clone() };
        let cancelled = OrderFact { status: OrderStatus::Cancelled, ..paid.clone() };
        assert_eq!(sum_changes(&[], &[unpaid, cancelled.clone()]), SumChanges::default());
        let changes = sum_changes(&[paid], &[cancelled]);
        assert_eq!(changes.days.values().next().map(|day| (day.orders, day.sales)), Some((-1, -50_000)));
    }

    #[test]
    fn a_product_has_its_latest_name() {
        let old = order(50_000);
        let mut new = OrderFact { placed_at: Timestamp(9), ..order(50_000) };
        new.lines[0].product_name = "Caffè latte".into();
        for orders in [[old.clone(), new.clone()], [new, old]] {
            let changes = sum_changes(&[], &orders);
            assert_eq!(changes.products.values().next().unwrap().product_name, "Caffè latte");
        }
    }
}
