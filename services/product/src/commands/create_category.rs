//! `POST /api/Category`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    ids::CategoryId,
    product::{CategoryView, WriteCategory},
    time::Timestamp,
};
use db::{
    DbResult, Tx,
    idempotency::{self, Answer, IdempotencyKey},
    outbox,
};

use super::Products;
use crate::{
    error::ProductError,
    model::{check_name, check_position},
    store,
};

impl Products {
    /// Adds a category. A repeated request gets the first response.
    ///
    /// # Errors
    /// `Invalid`, or `CategoryExists` if its id belongs to another category.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn create_category(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        write: WriteCategory,
    ) -> Result<CategoryView, ProductError> {
        let now = self.clock.now();
        let name = check_name("name", &write.name)?;
        check_position(write.position)?;
        let id = write.category_id.unwrap_or_else(|| CategoryId::new(now));
        let created = self.db.write(move |tx| {
            idempotency::once(tx, key.as_ref(), now, |tx| {
                let category = store::categories::insert(tx, id, &name, write.position, now)?;
                let category = category.ok_or(ProductError::CategoryExists(id))?;
                append_created(tx, &actor, &category, now)?;
                Ok(category)
            })
        });
        created.await.map(Answer::into_inner)
    }
}

/// The act for the audit trail.
fn append_created(tx: &mut Tx<'_>, actor: &Actor, category: &CategoryView, now: Timestamp) -> DbResult<()> {
    let (id, name) = (category.category_id, &*category.name);
    let act = AuditEntry::new(actor.clone(), AuditArea::Menu, "category.created", id, name, now);
    outbox::append_act(tx, act.with_after(category)?)
}
