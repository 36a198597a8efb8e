//! Reading orders: one, a page of them, what is owed, what changed.

use std::time::Duration;

use bus::Subscription;
use contracts::{
    PAGE_ROWS_MAX, Page,
    event::EventKind,
    ids::OrderId,
    order::{AmountDue, Channel, OrderStatus, OrderView},
    time::{BusinessDay, Timestamp},
};
use db::DbError;

use super::Orders;
use crate::{
    error::OrderError,
    store::{self, ListFilter},
};

/// A text is looked for in the orders of the last month, or of the day that is named: further back is a report's job.
const TEXT_SEARCH_LIFE: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// A screen that was away longer reads the list anew.
pub(crate) const STREAM_BACKLOG_ORDERS_MAX: u32 = PAGE_ROWS_MAX;
/// Commits of one instant may become visible in another order: a screen that comes back is told this much twice.
const STREAM_OVERLAP: Duration = Duration::from_secs(5);

/// Which page of which orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListRequest {
    pub(crate) status: Option<OrderStatus>,
    pub(crate) channel: Option<Channel>,
    pub(crate) business_day: Option<BusinessDay>,
    pub(crate) text: Option<String>,
    pub(crate) cursor: Option<String>,
    /// 1 to [`PAGE_ROWS_MAX`].
    pub(crate) limit: u32,
}

impl Orders {
    /// One order.
    ///
    /// # Errors
    /// [`OrderError::Unknown`].
    pub(crate) async fn find(&self, order_id: OrderId) -> Result<OrderView, OrderError> {
        self.db.point_read(move |tx| store::find(tx, order_id)?.ok_or(OrderError::Unknown(order_id))).await
    }

    /// One page of orders, newest first.
    ///
    /// # Errors
    /// [`OrderError::Cursor`].
    pub(crate) async fn list(&self, request: ListRequest) -> Result<Page<OrderView>, OrderError> {
        let after = request.cursor.as_deref().map(read_cursor).transpose()?;
        let is_boundless = request.text.is_some() && request.business_day.is_none();
        let placed_from = is_boundless.then(|| self.clock.now() - TEXT_SEARCH_LIFE);
        let filter = ListFilter {
            status: request.status,
            channel: request.channel,
            business_day: request.business_day,
            text: request.text,
            placed_from,
            after,
        };
        let limit = request.limit;
        let found = self.db.read::<_, DbError, _>(move |tx| store::list(tx, &filter, limit + 1)).await?;
        Ok(Page::of(found, limit, cursor_of))
    }

    /// What is owed for an order, and where it stands.
    ///
    /// # Errors
    /// [`OrderError::Unknown`].
    pub(crate) async fn amount_due(&self, order_id: OrderId) -> Result<AmountDue, OrderError> {
        self.db.point_read(move |tx| store::amount_due(tx, order_id)?.ok_or(OrderError::Unknown(order_id))).await
    }

    /// Hears how orders change from now on.
    pub(crate) fn changes(&self) -> Subscription {
        self.bus.subscribe(&[EventKind::OrderChanged])
    }

    /// What changed since a screen went away. One more than [`STREAM_BACKLOG_ORDERS_MAX`]: too much to tell.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) async fn changed_since(&self, since: Timestamp) -> Result<Vec<OrderView>, DbError> {
        let since = since - STREAM_OVERLAP;
        self.db.read(move |tx| store::changed_since(tx, since, STREAM_BACKLOG_ORDERS_MAX + 1)).await
    }
}

fn cursor_of(order: &OrderView) -> String {
    format!("{}_{}", order.placed_at.0, order.order_id)
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, OrderId), OrderError> {
    let parts = cursor
        .split_once('_')
        .and_then(|(placed_at, order_id)| Some((Timestamp(placed_at.parse().ok()?), order_id.parse().ok()?)));
    parts.ok_or(OrderError::Cursor)
}
