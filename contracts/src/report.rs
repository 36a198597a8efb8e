//! What the owner reads: sums of business days.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{OrderId, ProductId},
    money::{Amount, Currency},
    order::{Channel, OrderStatus},
    payment::PaymentMethod,
    time::{BusinessDay, Timestamp},
};

/// The longest span of one report, in days: five years.
pub const REPORT_DAYS_MAX: u32 = 1_830;

/// `GET /api/v1/reports/summary`: the paid orders of a span of business days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The first business day.
    pub from: BusinessDay,
    /// The last business day.
    pub to: BusinessDay,
    /// The currency of every amount.
    pub currency: Currency,
    /// How many orders were paid.
    pub orders: i64,
    /// How many units they had.
    pub units: i64,
    /// What guests owed: the sum of the totals.
    pub sales: Amount,
    /// What was taken off.
    pub discount: Amount,
    /// The service charges.
    pub service: Amount,
    /// The taxes.
    pub tax: Amount,
    /// Sales less tax.
    pub net_sales: Amount,
    /// Sales by order, to the minor unit, halves away from zero. Absent without orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_order: Option<Amount>,
    /// Sales by method of payment.
    pub by_method: Vec<MethodSales>,
    /// Up to when the figures are whole. Absent before the first run of the extraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

/// Sales of one method of payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MethodSales {
    /// Which.
    pub method: PaymentMethod,
    /// How many orders.
    pub orders: i64,
    /// The sum of their totals.
    pub sales: Amount,
}

/// A row of `GET /api/v1/reports/favorites`: what sells most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Favorite {
    /// Which product.
    pub product_id: ProductId,
    /// What it was called last.
    pub product_name: String,
    /// How many units.
    pub units: i64,
    /// What they brought.
    pub sales: Amount,
}

/// A row of `GET /api/v1/reports/sales-trend`: one business day. Days without sales are there too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendDay {
    /// Which day.
    pub business_day: BusinessDay,
    /// How many orders were paid.
    pub orders: i64,
    /// The sum of their totals.
    pub sales: Amount,
}

/// A row of `GET /api/v1/reports/recent-orders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecentOrder {
    /// Which order.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// Where it stood.
    pub status: OrderStatus,
    /// Where it was placed.
    pub channel: Channel,
    /// What is owed.
    pub total: Amount,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// When it was placed.
    pub placed_at: Timestamp,
}
