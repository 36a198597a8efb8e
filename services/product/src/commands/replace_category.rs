//! `PUT /api/Category/{categoryId}`.

use contracts::{
    audit::Actor,
    ids::CategoryId,
    product::{CategoryView, WriteCategory},
};
use db::Tx;

use super::{Products, append_category_act};
use crate::{
    error::ProductError,
    model::{InvalidMenu, check_name, check_position},
    store,
};

impl Products {
    /// Names and places a category. With `expected`, only if that is still its version.
    ///
    /// # Errors
    /// `Invalid`, `UnknownCategory`, `CategoryArchived`, or `VersionMismatch`.
    #[tracing::instrument(level = "debug", skip_all, fields(category_id = %id))]
    pub(crate) async fn replace_category(
        &self,
        actor: Actor,
        id: CategoryId,
        expected: Option<i64>,
        write: WriteCategory,
    ) -> Result<CategoryView, ProductError> {
        if write.category_id.is_some_and(|written| written != id) {
            return Err(InvalidMenu::CategoryIdDiffers.into());
        }
        let now = self.clock.now();
        let name = check_name("name", &write.name)?;
        check_position(write.position)?;
        self.db
            .write(move |tx| {
                let Some(before) = store::categories::lock(tx, id)? else { return Err(refusal(tx, id)?) };
                match store::categories::update(tx, id, &name, write.position, expected, now)? {
                    Some(category) => {
                        append_category_act(tx, &actor, "category.changed", (&before, &category), now)?;
                        Ok(category)
                    }
                    None => Err(refusal(tx, id)?),
                }
            })
            .await
    }
}

/// Why a category was not updated.
fn refusal(tx: &mut Tx<'_>, id: CategoryId) -> Result<ProductError, ProductError> {
    let found = store::categories::find(tx, id)?.ok_or(ProductError::UnknownCategory(id))?;
    if found.is_archived {
        return Ok(ProductError::CategoryArchived { name: found.name });
    }
    Ok(ProductError::VersionMismatch { what: "category", path: format!("/api/Category/{id}"), actual: found.version })
}
