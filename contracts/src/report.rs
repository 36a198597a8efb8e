//! The owner's reports: sums of business days.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{OrderId, ProductId},
    money::{Amount, Currency},
    order::{Channel, OrderStatus},
    payment::PaymentMethod,
    time::{BusinessDay, Timestamp},
};

/// The longest period of one report, in days: five years.
pub const REPORT_DAYS_MAX: u32 = 1_830;

/// `GET /api/v1/reports/summary`: the paid orders of a period of business days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The first business day.
    pub from: BusinessDay,
    /// The last business day.
    pub to: BusinessDay,
    /// The currency of every amount.
    pub currency: Currency,
    /// The number of paid orders.
    pub orders: i64,
    /// The number of units in them.
    pub units: i64,
    /// The sum of the orders' totals, before cash rounding.
    pub sales: Amount,
    /// The discounts.
    pub discount: Amount,
    /// The service charges.
    pub service: Amount,
    /// The taxes.
    pub tax: Amount,
    /// Sales less tax.
    pub net_sales: Amount,
    /// Sales divided by orders, rounded to the minor unit, halves away from zero. Absent without orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_order: Option<Amount>,
    /// What cash rounding added to the sales, or took away if negative.
    pub cash_rounding: Amount,
    /// Sales by payment method.
    pub by_method: Vec<MethodSales>,
    /// The sales up to this time are included. Absent before the first run of the extraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

/// Sales by one payment method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MethodSales {
    /// The method.
    pub method: PaymentMethod,
    /// The number of orders.
    pub orders: i64,
    /// The sum of their totals.
    pub sales: Amount,
    /// What was received: sales and cash rounding. For CASH it is what the sales put into the drawer.
    pub received: Amount,
}

/// A row of `GET /api/v1/reports/favorites`: a product, the best-selling first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Favorite {
    /// The product.
    pub product_id: ProductId,
    /// Its name in its latest order.
    pub product_name: String,
    /// The number of units sold.
    pub units: i64,
    /// Their sales, after discounts.
    pub sales: Amount,
}

/// A row of `GET /api/v1/reports/sales-trend`: one business day. Days without sales are included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendDay {
    /// The day.
    pub business_day: BusinessDay,
    /// The number of paid orders.
    pub orders: i64,
    /// The sum of their totals.
    pub sales: Amount,
}

/// A row of `GET /api/v1/reports/recent-orders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecentOrder {
    /// The order.
    pub order_id: OrderId,
    /// The number that people see, such as `A-0042`.
    pub order_number: String,
    /// Its status when it was extracted.
    pub status: OrderStatus,
    /// The channel in which it was placed.
    pub channel: Channel,
    /// Its total.
    pub total: Amount,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethod>,
    /// When it was placed.
    pub placed_at: Timestamp,
}
