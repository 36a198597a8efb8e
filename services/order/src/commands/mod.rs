//! What can be done with orders: one file for each use case.

mod advance_order;
mod cancel_order;
mod cards;
mod complete_order;
mod expire_orders;
mod keep_cups;
mod place_order;
mod read_orders;
mod receipt;
mod record_payment;
mod revive_order;
mod turns;

use std::sync::Arc;

use bus::Bus;
use cache::Cache;
use clock::Clock;
use contracts::{
    event::OrderChanged,
    ids::OrderId,
    inventory::ReleaseStock,
    order::{OrderStatus, OrderView, StockCheck},
    receipt::{RECEIPT_TTL, ReceiptField, ReceiptPayment, cache_key},
};
use db::{Db, DbResult, Tx, outbox};
use host::{ServiceContext, SharedShopRules};
use web::{CallError, ServiceClient};

use crate::{
    error::{NotHeld, OrderError},
    model,
};

use turns::Turns;

pub(crate) use read_orders::{ListRequest, STREAM_BACKLOG_ORDERS_MAX};

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
    shop: SharedShopRules,
    clock: Clock,
    turns: Turns,
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
            shop: context.shop.clone(),
            clock: context.clock.clone(),
            turns: Turns::default(),
        }
    }

    /// Asks Inventory to hold what an order of this version needs (idempotent by order id). With Inventory away the
    /// order goes through, marked, because a till that cannot sell is worse than a count that is late.
    async fn reserve(&self, order: &OrderView, version: i64) -> Result<StockCheck, NotHeld> {
        let path = format!("/internal/Reservation/{}", order.order_id);
        let asked = self.inventory.put::<_, serde_json::Value>(&path, &model::stock_needs(order, version)).await;
        match asked {
            Ok(_) => Ok(StockCheck::Reserved),
            Err(CallError::Refused(problem)) => Err(NotHeld::from(problem)),
            Err(error) => {
                tracing::warn!(order_id = %order.order_id, %error, "stock is not reserved: inventory will hold it when it is back");
                Ok(StockCheck::Deferred)
            }
        }
    }

    /// Payment's part of the receipt. `None`: Payment took no money for the order.
    async fn money_taken(&self, order_id: OrderId) -> Result<Option<ReceiptPayment>, CallError> {
        self.payment.get(&format!("/internal/Payment/receipt/{order_id}")).await
    }

    /// Gives back what was asked for an order of this version and then not written, unless another request wrote it: a
    /// rename raises the version of an EXPIRED order, and gives it no stock. As
    /// well as can be: Inventory gives it back by itself later.
    async fn release_unless_placed(&self, order_id: OrderId, version: i64) {
        match self.find(order_id).await {
            Ok(order) if order.status != OrderStatus::Expired && order.version >= version => {}
            Ok(_) | Err(OrderError::Unknown(_)) => self.release(order_id, version).await,
            Err(error) => tracing::warn!(%order_id, %error, "stock stays held for a while: is the order there?"),
        }
    }

    /// Gives back what was asked for an order of this version that will not be written.
    async fn release(&self, order_id: OrderId, order_version: i64) {
        let path = format!("/internal/Reservation/{order_id}/release");
        let released = self.inventory.post::<_, serde_json::Value>(&path, &ReleaseStock { order_version }).await;
        if let Err(error) = released {
            tracing::warn!(%order_id, %error, "stock stays held for a while");
        }
    }

    /// Writes Order's part of the receipt to the cache (step 6). A cache: losing it costs time, not truth.
    async fn cache_receipt(&self, order: &OrderView) {
        let part = match serde_json::to_string(&model::receipt_part(order)) {
            Ok(part) => part,
            Err(error) => return tracing::error!(order_id = %order.order_id, %error, "a receipt cannot be written"),
        };
        let key = cache_key(order.order_id);
        let put = self.cache.put_field(&key, ReceiptField::Order.name(), order.version, part, RECEIPT_TTL);
        if let Err(error) = put.await {
            tracing::warn!(order_id = %order.order_id, %error, "the receipt is not cached");
        }
    }
}

/// Tells every screen how an order is now.
fn say_changed(tx: &mut Tx<'_>, order: &OrderView) -> DbResult<()> {
    outbox::append(tx, &OrderChanged(order.clone()), order.updated_at)
}
