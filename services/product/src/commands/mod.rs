//! What can be done with the menu: one file per use case.

mod archive_category;
mod archive_product;
mod cache_cards;
mod create_category;
mod create_product;
mod list_availability;
mod queries;
mod replace_category;
mod replace_product;
mod set_availability;

use std::sync::Arc;

use cache::Cache;
use clock::Clock;
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    product::{CategoryView, ProductCard},
    time::Timestamp,
};
use db::{Db, DbResult, Tx, outbox};
use host::SharedShopRules;
use web::ServiceClient;

use list_availability::SoldOutCache;

/// The menu of a shop: every command is a method of it.
#[derive(Clone)]
pub(crate) struct Products {
    db: Db,
    cache: Arc<dyn Cache>,
    clock: Clock,
    shop: SharedShopRules,
    inventory: ServiceClient,
    sold_out: SoldOutCache,
}

impl Products {
    /// The menu in `db`, whose cards go to `cache`. `inventory` is asked what is sold out.
    #[must_use]
    pub(crate) fn new(
        db: Db,
        cache: Arc<dyn Cache>,
        clock: Clock,
        shop: SharedShopRules,
        inventory: ServiceClient,
    ) -> Self {
        Self { db, cache, clock, shop, inventory, sold_out: SoldOutCache::default() }
    }
}

/// Appends what was done to a product, for the audit trail: the values that differ.
fn append_product_act(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    before: &ProductCard,
    after: &ProductCard,
) -> DbResult<()> {
    let (id, now) = (after.product_id, after.updated_at);
    let act = AuditEntry::new(actor.clone(), AuditArea::Menu, action, id, &*after.name, now);
    outbox::append_act(tx, act.with_change(before, after)?)
}

/// Appends what was done to a category, for the audit trail: the values that differ.
fn append_category_act(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    (before, after): (&CategoryView, &CategoryView),
    now: Timestamp,
) -> DbResult<()> {
    let act = AuditEntry::new(actor.clone(), AuditArea::Menu, action, after.category_id, &*after.name, now);
    outbox::append_act(tx, act.with_change(before, after)?)
}
