//! `POST /api/Category`.

use contracts::{
    ids::CategoryId,
    product::{CategoryView, WriteCategory},
};
use db::idempotency::{self, Answer, IdempotencyKey};

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
                category.ok_or(ProductError::CategoryExists(id))
            })
        });
        created.await.map(Answer::into_inner)
    }
}
