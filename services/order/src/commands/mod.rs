//! What can be done with orders: one file for each use case, and one for each service that a use case asks.

mod cancel_order;
mod change_order;
mod complete_order;
mod expire_unpaid_orders;
mod fetch_payment;
mod get_order;
mod get_receipt;
mod list_orders;
mod mark_stock_short;
mod order_locks;
mod place_order;
mod product_cards;
mod record_cups;
mod record_payment;
mod reserve_stock;
mod revive_order;
mod stream_orders;

use std::sync::{Arc, Mutex};

use access::Access;
use bus::Bus;
use cache::Cache;
use clock::Clock;
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    event::OrderChanged,
    order::OrderView,
    receipt::{ReceiptField, ReceiptOrder},
    time::Timestamp,
};
use db::{Db, DbError, DbResult, Tx, outbox};
use host::{ServiceContext, SharedShopRules};
use serde_json::Value;
use web::ServiceClient;

use crate::{
    model::{Order, OrderHeader},
    store::OverdueCursor,
};
use order_locks::OrderLocks;

pub(crate) use list_orders::ListRequest;
pub(crate) use stream_orders::Backlog;

/// Orders, and what can be done with them.
#[derive(Clone)]
pub(crate) struct Orders {
    db: Db,
    cache: Arc<dyn Cache>,
    bus: Arc<dyn Bus>,
    product: ServiceClient,
    inventory: ServiceClient,
    payment: ServiceClient,
    qr: ServiceClient,
    access: Access,
    shop: SharedShopRules,
    clock: Clock,
    order_locks: OrderLocks,
    /// The position from which the next run of the expiry continues. `None`: it starts with the longest overdue order.
    expiry_cursor: Arc<Mutex<Option<OverdueCursor>>>,
}

impl Orders {
    pub(crate) fn new(db: Db, context: &ServiceContext) -> Self {
        Self {
            db,
            cache: Arc::clone(&context.cache),
            bus: Arc::clone(&context.bus),
            product: context.services.client("product"),
            inventory: context.services.client("inventory"),
            payment: context.services.client("payment"),
            qr: context.services.client("qr"),
            access: context.access.clone(),
            shop: context.shop.clone(),
            clock: context.clock.clone(),
            order_locks: OrderLocks::default(),
            expiry_cursor: Arc::default(),
        }
    }

    /// Writes Order's part of the receipt to the cache (step 6).
    async fn cache_receipt(&self, order: &OrderView) {
        let part = ReceiptOrder::from(order);
        host::put_receipt_part(&*self.cache, order.order_id, ReceiptField::Order, order.version, &part).await;
    }
}

/// Appends OrderChanged, the order's state for every screen, and returns that state.
fn append_order_changed(tx: &mut Tx<'_>, order: Order) -> DbResult<OrderView> {
    let changed = OrderChanged(OrderView::from(order));
    outbox::append(tx, &changed, changed.0.updated_at)?;
    Ok(changed.0)
}

/// Appends what a person or a device did to an order to the audit trail, with the changed values before and after.
fn append_order_act(
    tx: &mut Tx<'_>,
    actor: Actor,
    action: &str,
    order: &OrderHeader,
    (before, after): (Value, Value),
    now: Timestamp,
) -> DbResult<()> {
    let entry = AuditEntry::new(actor, AuditArea::Order, action, order.order_id, &order.order_number, now)
        .with_reason(order.cancel_reason.clone())
        .with_before(&before)
        .and_then(|entry| entry.with_after(&after))
        .map_err(DbError::from)?;
    outbox::append_act(tx, entry)
}
