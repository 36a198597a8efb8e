//! From rows to orders: the row in `orders`, its lines, and what machines did of them.

use std::{borrow::Cow, collections::HashMap};

use contracts::{
    ids::OrderId,
    money::{Currency, Money},
    pricing::{LinePrice, Percent, Price, TaxAmount, TaxRate},
    qr::CodeStatus,
};
use db::{DbResult, Row, Tx, Value};
use serde::{Deserialize, Serialize};

use super::cups;
use crate::model::{Order, OrderHeader, OrderLine, PricedLine};

/// A tax in the column `taxes`.
#[derive(Serialize, Deserialize)]
pub(super) struct TaxRow<'a> {
    name: Cow<'a, str>,
    percent: Percent,
    minor: i64,
}

impl<'a> From<&'a TaxAmount> for TaxRow<'a> {
    fn from(tax: &'a TaxAmount) -> Self {
        Self { name: tax.rate.name.as_str().into(), percent: tax.rate.percent, minor: tax.amount.minor }
    }
}

impl TaxRow<'_> {
    fn amount(self, currency: Currency) -> TaxAmount {
        let rate = TaxRate { name: self.name.into_owned(), percent: self.percent };
        TaxAmount { rate, amount: Money::new(self.minor, currency) }
    }
}

pub(super) fn order_from_row(row: &Row<'_>) -> DbResult<OrderHeader> {
    let currency: Currency = row.get("currency")?;
    let money = |column| DbResult::Ok(Money::new(row.get(column)?, currency));
    let taxes: Vec<TaxRow<'_>> = row.json("taxes")?;
    Ok(OrderHeader {
        order_id: row.get("order_id")?,
        order_number: row.get("order_number")?,
        business_day: row.get("business_day")?,
        status: row.get("status")?,
        channel: row.get("channel")?,
        placed_by: row.json("placed_by")?,
        dining_option: row.get("dining_option")?,
        customer_name: row.get("customer_name")?,
        table: row.get("table_name")?,
        price: Price {
            subtotal: money("subtotal")?,
            discount: money("discount")?,
            service: money("service")?,
            taxes: taxes.into_iter().map(|tax| tax.amount(currency)).collect(),
            tax: money("tax")?,
            total: money("total")?,
        },
        stock: row.get("stock")?,
        placed_at: row.get("placed_at")?,
        expires_at: row.get("expires_at")?,
        paid_at: row.get("paid_at")?,
        payment_method: row.get("payment_method")?,
        cancel_reason: row.get("cancel_reason")?,
        late_payment_refused: row.get("late_payment_refused")?,
        updated_at: row.get("updated_at")?,
        version: row.get("version")?,
    })
}

fn line_from_row(row: &Row<'_>, currency: Currency) -> DbResult<PricedLine> {
    let money = |column| DbResult::Ok(Money::new(row.get(column)?, currency));
    Ok(PricedLine {
        line: row.get("line")?,
        product_id: row.get("product_id")?,
        product_name: row.get("product_name")?,
        quantity: row.get("quantity")?,
        unit_price: money("unit_price")?,
        options: row.json("options")?,
        note: row.get("note")?,
        dispense_ml: row.get("dispense_ml")?,
        share: LinePrice {
            line_total: money("line_total")?,
            discount: money("discount")?,
            service: money("service")?,
            tax: money("tax")?,
        },
    })
}

/// The order of this row.
pub(super) fn with_lines(tx: &mut Tx<'_>, header: OrderHeader) -> DbResult<Order> {
    let mut lines = lines_of(tx, std::slice::from_ref(&header))?;
    let lines = lines.remove(&header.order_id).unwrap_or_default();
    Ok(Order { header, lines })
}

/// The orders of these rows, in their order.
pub(super) fn with_all_lines(tx: &mut Tx<'_>, headers: Vec<OrderHeader>) -> DbResult<Vec<Order>> {
    let mut lines = lines_of(tx, &headers)?;
    let orders = headers.into_iter().map(|header| {
        let lines = lines.remove(&header.order_id).unwrap_or_default();
        Order { header, lines }
    });
    Ok(orders.collect())
}

/// The lines of each order, with how many of their cups are poured and in review.
fn lines_of(tx: &mut Tx<'_>, headers: &[OrderHeader]) -> DbResult<HashMap<OrderId, Vec<OrderLine>>> {
    let mut lines: HashMap<OrderId, Vec<OrderLine>> = HashMap::with_capacity(headers.len());
    if headers.is_empty() {
        return Ok(lines);
    }
    let currencies: HashMap<OrderId, Currency> =
        headers.iter().map(|header| (header.order_id, header.price.total.currency)).collect();
    let (places, order_ids) = listed_ids(headers);
    let sql = format!("SELECT * FROM order_items WHERE order_id IN ({places}) ORDER BY order_id, line");
    tx.query(&sql, order_ids, |row| {
        let order_id: OrderId = row.get("order_id")?;
        let currency = currencies.get(&order_id).copied().unwrap_or(Currency::IDR);
        let line = OrderLine { priced: line_from_row(row, currency)?, poured: 0, in_review: 0 };
        lines.entry(order_id).or_default().push(line);
        Ok(())
    })?;
    if lines.values().flatten().any(OrderLine::is_dispensable) {
        for (order_id, line, status) in cups::list_cups(tx, headers)? {
            let of_order = lines.get_mut(&order_id).into_iter().flatten();
            for line in of_order.filter(|candidate| candidate.priced.line == line) {
                line.poured += u32::from(status == CodeStatus::Used);
                line.in_review += u32::from(status == CodeStatus::Review);
            }
        }
    }
    Ok(lines)
}

pub(super) fn listed_ids(headers: &[OrderHeader]) -> (String, Vec<Value>) {
    db::in_list(&headers.iter().map(|header| header.order_id).collect::<Vec<_>>())
}
