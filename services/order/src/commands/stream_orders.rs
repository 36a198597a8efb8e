//! `GET /api/Order/stream`: how orders change from now on, and what a client missed.

use std::time::Duration;

use access::Caller;
use bus::Subscription;
use contracts::{PAGE_ROWS_MAX, event::EventKind, order::OrderView, time::Timestamp};
use db::DbError;

use super::Orders;
use crate::{model::Viewer, store};

/// A client that missed more orders reads the list again.
const BACKLOG_ORDERS_MAX: u32 = PAGE_ROWS_MAX;
/// Transactions can become visible in another order than their timestamps: a client that resumes gets this much twice.
const RESUME_OVERLAP: Duration = Duration::from_secs(5);

/// What a client missed between two streams.
#[derive(Clone, Debug)]
pub(crate) enum Backlog {
    /// These orders, in the order of their changes.
    Orders(Vec<OrderView>),
    /// Too many orders, or it is not known which: the client reads the list again.
    Unknown,
}

impl Orders {
    /// Subscribes to changes of orders, from now on.
    pub(crate) fn subscribe(&self) -> Subscription {
        self.bus.subscribe(&[EventKind::OrderChanged])
    }

    /// Now, as the id of an event: a client that resumes from it misses nothing that changes after it.
    pub(crate) fn stream_position(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns when the credential of `caller` is no longer valid: a stream that it opened ends then.
    pub(crate) async fn credential_ended(&self, caller: &Caller) {
        self.access.ended(caller).await;
    }

    /// The orders that changed since `since` and that `viewer` sees. If `since` is ahead of the clock, the clock was set back: later changes
    /// have earlier times, so it is not known what the client missed.
    pub(crate) async fn changed_since(&self, viewer: Viewer, since: Timestamp) -> Result<Backlog, DbError> {
        if since > self.clock.now() {
            return Ok(Backlog::Unknown);
        }
        let from = since - RESUME_OVERLAP;
        let changed = self
            .db
            .read::<_, DbError, _>(move |tx| store::list_changed_since(tx, from, BACKLOG_ORDERS_MAX + 1))
            .await?;
        if changed.len() > BACKLOG_ORDERS_MAX as usize {
            return Ok(Backlog::Unknown);
        }
        let seen = changed.into_iter().filter(|order| viewer.sees(&order.header.placed_by));
        Ok(Backlog::Orders(seen.map(OrderView::from).collect()))
    }
}
