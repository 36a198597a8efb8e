//! `GET /api/Order`: a page of orders, newest first.

use std::time::Duration;

use contracts::{
    Page,
    ids::OrderId,
    order::{Channel, OrderStatus, OrderView, StockCheck},
    time::{BusinessDay, Timestamp},
};
use db::DbError;

use super::Orders;
use crate::{
    error::OrderError,
    store::{self, ListFilter},
};

/// How far back a text is searched if no business day is named: a month. Further back is a report's job.
const TEXT_SEARCH_SPAN: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Which page of which orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListRequest {
    pub(crate) status: Option<OrderStatus>,
    pub(crate) channel: Option<Channel>,
    pub(crate) stock: Option<StockCheck>,
    pub(crate) business_day: Option<BusinessDay>,
    pub(crate) text: Option<String>,
    pub(crate) cursor: Option<String>,
    /// 1 to [`PAGE_ROWS_MAX`](contracts::PAGE_ROWS_MAX).
    pub(crate) limit: u32,
}

impl Orders {
    /// One page of orders, newest first.
    ///
    /// # Errors
    /// [`OrderError::InvalidCursor`].
    pub(crate) async fn list_orders(&self, request: ListRequest) -> Result<Page<OrderView>, OrderError> {
        let after = request.cursor.as_deref().map(parse_cursor).transpose()?;
        let is_unbounded_search = request.text.is_some() && request.business_day.is_none();
        let filter = ListFilter {
            status: request.status,
            channel: request.channel,
            stock: request.stock,
            business_day: request.business_day,
            text: request.text,
            placed_from: is_unbounded_search.then(|| self.clock.now() - TEXT_SEARCH_SPAN),
            after,
        };
        let limit = request.limit;
        let found = self.db.read::<_, DbError, _>(move |tx| store::list_orders(tx, &filter, limit + 1)).await?;
        Ok(Page::of(found.into_iter().map(OrderView::from).collect(), limit, format_cursor))
    }
}

fn format_cursor(order: &OrderView) -> String {
    format!("{}_{}", order.placed_at.0, order.order_id)
}

fn parse_cursor(cursor: &str) -> Result<(Timestamp, OrderId), OrderError> {
    let parts = cursor
        .split_once('_')
        .and_then(|(placed_at, order_id)| Some((Timestamp(placed_at.parse().ok()?), order_id.parse().ok()?)));
    parts.ok_or(OrderError::InvalidCursor)
}
